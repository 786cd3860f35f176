"""Tests of `jobs/engine`."""
