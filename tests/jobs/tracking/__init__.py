"""Tests of how running predictions are watched."""
