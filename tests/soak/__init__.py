"""Chaos: a whole system under load while everything that can be killed is killed, and a report of what was left."""
