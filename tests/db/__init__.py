"""Tests of the database: its rules, its claims and its reads."""
