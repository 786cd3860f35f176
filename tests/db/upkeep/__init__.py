"""Tests of `db/upkeep`."""
