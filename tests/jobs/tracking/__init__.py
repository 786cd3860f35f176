"""Tests of `jobs/tracking`."""
