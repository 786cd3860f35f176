"""Tests of the provider: its models, its failures, its schemas."""
