"""Halftone: the dot screens of printed comics."""

from __future__ import annotations

import numpy as np

from simulator.studio.filters import Plane, smoothstep


def dots(amount: Plane, pitch_px: float, *, angle_degrees: float = 45.0) -> Plane:
    """Return a plane of round dots whose area follows `amount` (0: none, 1: they merge), with soft edges."""
    height, width = amount.shape
    angle = np.radians(angle_degrees)
    frequency = np.float32(2 * np.pi / pitch_px)
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    u = (x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))) * frequency
    v = (y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle))) * frequency
    wave = (np.cos(u) + np.cos(v)) * np.float32(0.25) + np.float32(0.5)
    soft = np.float32(min(0.25, 1.2 / pitch_px))
    covered = smoothstep(0, 1, (wave - (1 - amount) + soft) / (2 * soft))
    return (covered * smoothstep(0.01, 0.06, amount)).astype(np.float32)
