"""Mutations, one for each use case: one `input`, one payload, and `userErrors` for what the caller can fix."""
