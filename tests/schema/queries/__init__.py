"""Tests of `schema/queries`."""
