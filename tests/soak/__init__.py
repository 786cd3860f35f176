"""Chaos: a whole system under load while its processes are killed, frozen and cut off, and a report of the damage."""
