"""Tests of `schema/transport`."""
