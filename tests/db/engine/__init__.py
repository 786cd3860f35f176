"""Tests of `db/engine`."""
