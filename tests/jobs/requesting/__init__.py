"""Tests of `jobs/requesting`."""
