"""The steps: each does one thing for a claimed job and returns what happened as a value.

A step writes nothing of a job but through the recorder. No transaction is open while a step acts, with one exception on
purpose: compensation deletes objects while it keeps the job's row locked, so that a worker that lost its lease deletes
nothing.
"""
