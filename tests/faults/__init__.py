"""Crashes at every boundary: `points` lists them, `lab` has workers that fail exactly there."""
