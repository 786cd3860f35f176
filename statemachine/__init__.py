"""The rules of a generation job: states, events, transitions, outcomes, decisions and back-off.

Pure: standard library only, nothing is read from a clock or a socket, and time is always an argument. Everyone may
import this package; it imports nobody. What it promises is that the table in `transitions` is the only place where a
move is declared: the rows of `job_transitions` in Postgres, the GraphQL enum, the diagrams of the documents and the
tests' parameter lists are all read from it.
"""
