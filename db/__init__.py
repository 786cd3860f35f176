"""Postgres: the engine, the migrations, the named SQL, and functions that take a `Connection`.

Functions here are written once, synchronous; async callers run them with `await conn.run_sync(function, ...)`. Rows
become frozen dataclasses at this edge, so nothing loads lazily further up. May import `statemachine` only.
"""
