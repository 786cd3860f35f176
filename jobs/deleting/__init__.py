"""Deletions on request: of an asset, a story or a user, with everything that was made for it."""
