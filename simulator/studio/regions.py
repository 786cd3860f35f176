"""Connected regions of a picture: what can be reached from the border, and which blob holds the middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def reached_from_border(passable: Mask) -> Mask:
    """Return the passable pixels that a path of passable pixels (sideways and up or down) joins to the border."""
    start = np.zeros_like(passable)
    start[0], start[-1], start[:, 0], start[:, -1] = True, True, True, True
    return reached(passable, start & passable)


def reached(passable: Mask, start: Mask) -> Mask:
    """Return the passable pixels joined to `start`.

    Whole runs of a row, then of a column, are filled at once, until nothing grows: a few dozen passes at most for
    the shapes of pictures, where growing pixel by pixel would take hundreds.
    """
    rows, columns = _run_labels(passable), _run_labels(np.ascontiguousarray(passable.T))
    region, count = start & passable, -1
    while (grown := int(np.count_nonzero(region))) != count:
        count = grown
        region = _fill_runs(region, rows, passable)
        region = _fill_runs(np.ascontiguousarray(region.T), columns, np.ascontiguousarray(passable.T)).T
    return region


def _run_labels(passable: Mask) -> NDArray[np.int64]:
    breaks: Mask = ~passable
    breaks[:, 0] = True
    labels: NDArray[np.int64] = np.cumsum(breaks.ravel(), dtype=np.int64).reshape(passable.shape)
    return labels


def _fill_runs(region: Mask, labels: NDArray[np.int64], passable: Mask) -> Mask:
    touched = np.zeros(int(labels[-1, -1]) + 1, dtype=np.bool_)
    touched[labels[region]] = True
    filled: Mask = touched[labels] & passable
    return filled


def flooded(passable: Mask, *, seal_px: int) -> Mask:
    """Return what is reached from the border, but not through gaps narrower than about twice `seal_px`."""
    flood = reached_from_border(~spread(~passable, seal_px))
    return spread(flood, seal_px) & passable


def spread(mask: Mask, steps_px: int) -> Mask:
    """Return the mask grown sideways, up and down."""
    for _ in range(steps_px):
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return mask
