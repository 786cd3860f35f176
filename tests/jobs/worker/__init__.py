"""Tests of `jobs/worker`."""
