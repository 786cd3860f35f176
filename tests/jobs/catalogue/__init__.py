"""Tests of `jobs/catalogue`."""
