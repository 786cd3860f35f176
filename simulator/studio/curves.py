"""Smooth curves through points, as the polygons that the drawing library wants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Point = tuple[float, float]


def closed_curve(points: Sequence[Point], steps: int = 10) -> list[Point]:
    """Return a smooth closed outline through `points` (Catmull-Rom)."""
    knots = np.asarray(points, dtype=np.float64)
    return _spline(np.roll(knots, 1, 0), knots, np.roll(knots, -1, 0), np.roll(knots, -2, 0), steps)


def open_curve(points: Sequence[Point], steps: int = 10) -> list[Point]:
    """Return a smooth line through `points`, ending in the last of them."""
    knots = np.asarray([points[0], *points, points[-1]], dtype=np.float64)
    curve = _spline(knots[:-3], knots[1:-2], knots[2:-1], knots[3:], steps)
    return [*curve, (float(points[-1][0]), float(points[-1][1]))]


def _spline(
    before: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    start: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    end: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    after: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    steps: int,
) -> list[Point]:
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (knots[:, None, :] for knots in (before, start, end, after))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    return [(float(x), float(y)) for x, y in curve.reshape(-1, 2)]


def limb(points: Sequence[Point], widths: Sequence[float], steps: int = 8) -> list[Point]:
    """Return the outline of a bent tapering limb: a line through `points` with a full width at each."""
    spine = np.asarray(open_curve(points, steps))
    full = np.interp(np.linspace(0, len(widths) - 1, len(spine)), np.arange(len(widths)), widths)
    along = np.gradient(spine, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], 1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-9)
    left, right = spine + normal * full[:, None] / 2, spine - normal * full[:, None] / 2
    return [(float(x), float(y)) for x, y in np.concatenate([left, right[::-1]])]
