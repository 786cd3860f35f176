"""Tests of `db/records`."""
