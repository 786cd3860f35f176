"""Tests of `schema/mutations`."""
