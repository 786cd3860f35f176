"""Tests of `jobs/upkeep`."""
