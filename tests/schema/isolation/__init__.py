"""Naming what belongs to others is like naming what never existed: a walk of the schema tries it everywhere.

`places` finds the arguments, `examples` says what each takes, `belongings` makes it, `requests` writes the documents.
"""
