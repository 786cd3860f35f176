"""Bending a picture over a grid of points: where each point of the result is fetched from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grid = NDArray[np.float64]
Fetch = Callable[[Grid, Grid], tuple[Grid, Grid]]


def bent(source: Image.Image, size_px: tuple[int, int], cells: tuple[int, int], fetch: Fetch) -> Image.Image:
    """Return a picture of `size_px` whose points (x, y) show `source` at `fetch(x, y)`; between grid points it is even.

    Neighbouring cells share their corners, so the result has no seams however it is bent.
    """
    across = np.round(np.linspace(0, size_px[0], cells[0] + 1)).astype(int)
    down = np.round(np.linspace(0, size_px[1], cells[1] + 1)).astype(int)
    x, y = np.meshgrid(across.astype(np.float64), down.astype(np.float64))
    from_x, from_y = fetch(x, y)
    mesh = [
        (
            (int(across[i]), int(down[j]), int(across[i + 1]), int(down[j + 1])),
            (
                from_x[j, i], from_y[j, i], from_x[j + 1, i], from_y[j + 1, i],
                from_x[j + 1, i + 1], from_y[j + 1, i + 1], from_x[j, i + 1], from_y[j, i + 1],
            ),
        )
        for j in range(cells[1])
        for i in range(cells[0])
    ]  # fmt: skip
    return source.transform(size_px, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
