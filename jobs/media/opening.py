"""Finds videos that do not begin with the scene they were to animate: another picture, its mirror image, garbage.

Runs in the child process only. The model was given the scene as its first picture. What is compared is structure, the
luma of small pictures without their coarse brightness: it survives encoding, other colors and a fade, and the horizon
that most scenes share does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import sqrt
from operator import mul, sub
from pathlib import Path
from typing import Final

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from PIL import Image, ImageFilter, ImageOps

from jobs.media.errors import MediaError, Unrelated
from jobs.media.limits import OUTPUT_LIMITS
from jobs.media.pictures import flatten_on_white, load_upright, open_picture

# Coarse enough to look past film grain and a redrawn line, fine enough to tell left from right.
GRID: Final = (96, 54)
# The scene is kept finer, so that parts of it can be scaled to a grid.
FINE: Final = (288, 162)
# Structure is what differs from the mean of this many cells in each direction.
REACH: Final = 4
# The middle of the picture is searched for in the scene, as if the camera had begun a little nearer, farther or aside.
MIDDLE: Final = 0.75
VIEW: Final = (round(GRID[0] * MIDDLE), round(GRID[1] * MIDDLE))
ZOOMS: Final = (1.0, 1.04, 0.96, 1.08, 0.92, 1.12, 0.88)
ASIDE: Final = (0, 1, -1, 2, -2)
# Pictures of the first half second, in which a video may fade in.
LOOKED_AT: Final = (0, 5, 10, 14)
# Between what was measured for the simulator's videos, 0.68 and more, and for other scenes, 0.38 and less.
ALIKE_FROM: Final = 0.5
# Symmetric scenes were as much like their mirror images as 0.72: from here on, nothing else is compared.
SURE_FROM: Final = 0.85


def read_scene(path: Path) -> Image.Image | None:
    """Return a small gray copy of the scene, or None where it is no picture: nothing is then known of the video."""
    try:
        scene = flatten_on_white(load_upright(open_picture(path, OUTPUT_LIMITS))).convert("L")
    except MediaError:
        return None
    return ImageOps.fit(scene, FINE, Image.Resampling.BOX)


class OpeningCheck:
    """Compares the first pictures of one video, given one after the other, with the scene; with None, does nothing."""

    def __init__(self, scene: Image.Image | None) -> None:
        self._scene = scene
        self._number = 0
        self._likeness = 0.0

    def add(self, picture: VideoFrame) -> None:
        """Take the next picture, of 16:9, into account; raise `Unrelated` if none of the first half second fits."""
        if self._scene is None:
            return
        if self._number in LOOKED_AT and self._fits(_gray(picture), self._scene):
            self._scene = None
            return
        self._number += 1
        if self._number > LOOKED_AT[-1]:
            raise Unrelated("The video does not begin with its scene.", f"its likeness is {self._likeness:.2f}")

    def _fits(self, picture: Image.Image, scene: Image.Image) -> bool:
        """Return whether the picture is the scene, and not rather its mirror image."""
        found = likeness(picture, scene)
        self._likeness = max(self._likeness, found)
        return found >= SURE_FROM or (found >= ALIKE_FROM and found > likeness(picture, ImageOps.mirror(scene)))


def _gray(picture: VideoFrame) -> Image.Image:
    small = picture.reformat(*FINE, "gray", interpolation=Interpolation.AREA)
    return Image.frombytes("L", FINE, bytes(small.planes[0]), "raw", "L", small.planes[0].line_size)


def likeness(picture: Image.Image, scene: Image.Image) -> float:
    """Return how much of the structure of the picture's middle is found in the scene: 1 all of it, about 0 none.

    Both are gray and of the size FINE. The search ends where they are surely alike.
    """
    best, wanted = 0.0, _structure(picture, 1, 0, 0)
    for zoom, across, down in product(ZOOMS, ASIDE, ASIDE):
        best = max(best, _correlation(wanted, _structure(scene, zoom, across, down)))
        if best >= SURE_FROM:
            break
    return best


def _structure(image: Image.Image, zoom: float, across: int, down: int) -> list[int]:
    """Return by how much each cell differs from the mean of those around it, in a view that is shifted by cells."""
    width, height = FINE
    half_x, half_y = width * MIDDLE / zoom / 2, height * MIDDLE / zoom / 2
    x, y = width / 2 + across * width / GRID[0], height / 2 + down * height / GRID[1]
    cells = image.resize(VIEW, Image.Resampling.BOX, (x - half_x, y - half_y, x + half_x, y + half_y))
    return list(map(sub, cells.tobytes(), cells.filter(ImageFilter.BoxBlur(REACH)).tobytes()))


def _correlation(one: Sequence[int], other: Sequence[int]) -> float:
    """Return the normalized correlation, -1 to 1; 0 where there is no structure at all."""
    energy = _product(one, one) * _product(other, other)
    return _product(one, other) / sqrt(energy) if energy else 0.0


def _product(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(map(mul, one, other))
