"""Periodic tasks: deadlines, orphan search, retention and row purge. One process runs each at a time."""
