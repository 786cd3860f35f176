"""The rules of a generation job: states, events, transitions, outcomes, decisions and back-off.

Pure: it uses only the standard library, reads no clock and no socket, and takes the time as an argument. Every package
may import this one; it imports no other. The table in `transitions` is the only declaration of moves: the rows of
`job_transitions` in Postgres, the GraphQL enum, the diagrams of the documents and the tests' parameter lists are all
read from it.
"""
