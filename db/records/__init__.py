"""Rows as owners and support read and write them: accounts, jobs, stories, assets, events, credits and their SQL.

Reads take a `Scope`, so that no caller sees another account's rows.
"""
