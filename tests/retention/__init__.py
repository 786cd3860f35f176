"""Retention: everything is purged when its time is over and not before, even if a pass dies anywhere."""
