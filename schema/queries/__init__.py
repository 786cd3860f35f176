"""Resolvers of `Query`, grouped by what they read."""
