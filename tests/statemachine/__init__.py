"""Tests of the rules of a job."""
