"""Tests of `jobs/steps`."""
