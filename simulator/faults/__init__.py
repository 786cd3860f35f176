"""Faults on demand: a menu of things that go wrong at the real service, and rules that say when they do.

`menu` declares the actions, `rules` decides which requests and predictions they hit, `answers` spoils HTTP answers and
`files` spoils output files. What a fault does to a prediction's life or to its webhooks is found where those are made
(`lifecycle`, `webhooks`), under the name of the action.
"""
