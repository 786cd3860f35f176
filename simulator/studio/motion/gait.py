"""How a figure moves in place: a walk's bob and sway, lifted feet, swinging arms, a turning head."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.studio.motion.bend import Grid

_STEP_S = 1.04  # two steps


@dataclass(frozen=True, slots=True)
class Gait:
    """A style of movement for a figure `height_px` tall."""

    style: str
    height_px: float

    def growth(self, progress: float) -> float:
        """Return how much larger the figure is: a walker comes closer."""
        return 1 + (0.10 * progress * progress * (3 - 2 * progress) if self.style == "walk" else 0.0)

    def offset(self, u: Grid, v: Grid, at_s: float) -> tuple[Grid, Grid]:
        """Return how far, in pixels, each point is moved at `at_s` seconds.

        `u` runs from -1 (left) to 1 (right) across the figure, `v` from 0 (crown) to 1 (soles).
        """
        strength = min(1.0, at_s / 0.7) ** 2 * self.height_px
        phase = math.tau * at_s / _STEP_S
        moves = {"walk": _walk, "wave": _wave, "look": _look, "idle": _idle}
        dx, dy = moves[self.style](u, v, phase)
        return dx * strength, dy * strength


def _ramp(low: float, high: float, value: Grid) -> Grid:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _walk(u: Grid, v: Grid, phase: float) -> tuple[Grid, Grid]:
    swing, upright = math.sin(phase), 1 - v
    bob = -0.016 * math.sin(phase) ** 2 * (1 - _ramp(0.82, 1.0, v))
    sway = 0.024 * swing * upright
    head = 0.010 * math.sin(phase - 0.7) * (1 - _ramp(0.3, 0.55, v))
    legs, arms = _ramp(0.68, 0.9, v), _ramp(0.42, 0.6, np.abs(u)) * _ramp(0.48, 0.6, v) * (1 - _ramp(0.72, 0.82, v))
    left, right = 1 - _ramp(-0.12, 0.12, u), _ramp(-0.12, 0.12, u)
    lift = -0.036 * legs * (left * max(0.0, swing) + right * max(0.0, -swing))
    swung = 0.022 * arms * swing * np.sign(u)
    return sway + head + 0 * u, bob + lift + swung


def _wave(u: Grid, v: Grid, phase: float) -> tuple[Grid, Grid]:
    arm = _ramp(0.4, 0.75, u) * _ramp(0.45, 0.7, v) * (1 - _ramp(0.78, 0.9, v))
    dx, dy = _idle(u, v, phase)
    return dx + 0.035 * arm * math.sin(phase * 1.8), dy - 0.03 * arm * (1 - math.cos(phase * 1.8))


def _look(u: Grid, v: Grid, phase: float) -> tuple[Grid, Grid]:
    head = 1 - _ramp(0.3, 0.56, v)
    turn = math.sin(phase * 0.38)
    dx, dy = _idle(u, v, phase)
    return dx + 0.030 * head * turn * (1.2 - 0.5 * u * u), dy + 0.008 * head * turn * u


def _idle(u: Grid, v: Grid, phase: float) -> tuple[Grid, Grid]:
    breath = math.sin(phase * 0.5)
    return 0.006 * math.sin(phase * 0.3) * (1 - v) + 0 * u, -0.008 * breath * (1 - _ramp(0.55, 1.0, v))
