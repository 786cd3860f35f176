"""Exports: a table of jobs, and an archive of all that is kept of one end user."""
