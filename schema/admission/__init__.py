"""Limits in front of execution: what may be parsed, what is valid, and the cost of a query."""
