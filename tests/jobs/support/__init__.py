"""Tests of `jobs/support`."""
