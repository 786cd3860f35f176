"""Tests of `schema/live`."""
