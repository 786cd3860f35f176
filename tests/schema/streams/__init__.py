"""Durable Streams over real HTTP."""
