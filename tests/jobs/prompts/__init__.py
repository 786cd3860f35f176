"""Tests of `jobs/prompts`."""
