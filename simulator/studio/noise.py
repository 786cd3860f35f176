"""Smooth noise: sums of ever finer random grids, the stuff of clouds, rock and ridges."""

from __future__ import annotations

import numpy as np

from simulator.studio.filters import Plane, resized


def fractal(size_px: tuple[int, int], cells: int, rng: np.random.Generator, *, octaves: int = 4) -> Plane:
    """Return noise from 0 to 1 of (width, height), with `cells` waves across the width in its coarsest octave."""
    width, height = size_px
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        across = max(2, cells * 2**octave)
        down = max(2, round(across * height / width))
        grid = rng.random((down + 1, across + 1), dtype=np.float32)
        total += resized(grid, size_px) * np.float32(0.5**octave)
    low, high = float(total.min()), float(total.max())
    return (total - low) / np.float32(max(high - low, 1e-6))


def profile(length: int, cells: int, rng: np.random.Generator, *, octaves: int = 5, roughness: float = 0.5) -> Plane:
    """Return a one-dimensional ridge line of `length` values from -1 to 1."""
    total = np.zeros(length, np.float32)
    for octave in range(octaves):
        count = cells * 2**octave + 1
        knots = rng.uniform(-1, 1, count)
        total += (roughness**octave * np.interp(np.linspace(0, count - 1, length), np.arange(count), knots)).astype(
            np.float32
        )
    return total / np.float32(max(float(np.abs(total).max()), 1e-6))
