"""Retention: what goes when, what stays, and that a pass may die anywhere."""
