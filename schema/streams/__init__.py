"""Durable Streams: the activity, stories and jobs as ordered streams, read over plain HTTP."""
