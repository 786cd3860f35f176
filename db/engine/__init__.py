"""Statements that run jobs: claims, recorded moves, the provider limiter, leader locks, hints and their SQL.

Called by workers and by use cases that move a job. Every write to a job is fenced by its lease.
"""
