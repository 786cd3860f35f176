"""The provider behind the paid calls: Replicate, spoken to through its own SDK behind a guard.

The rest of the system knows four verbs only: submit, get, cancel, find.
"""
