"""Tests of what the models are told."""
