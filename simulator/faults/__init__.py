"""Faults on demand: a menu of failures of the real service, and rules that say when they happen.

`menu` declares the actions, `rules` decides which requests and predictions they apply to, `responses` spoils HTTP
responses and `files` spoils output files. `lifecycle` and `webhooks` carry out the other actions, by their names.
"""
