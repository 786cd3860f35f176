"""Statements that run jobs: claims, recorded moves, the provider limiter, leader locks, hints and their SQL.

Called by workers and by use cases that move a job. A worker's write to a job is fenced by its lease; `moves` is the
only writer of a job's state, and `locking` states the order of all locks.
"""
