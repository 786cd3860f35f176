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
from PIL import Image, ImageFilter, ImageOps

from jobs.media.errors import MediaError, Unrelated
from jobs.media.layout import AS_IT_IS, ASPECT, HEIGHT_PX, WIDTH_PX, Layout
from jobs.media.limits import OUTPUT_LIMITS
from jobs.media.pictures import flatten_on_white, load_upright, open_picture

# Coarse enough to look past film grain and a redrawn line, fine enough to tell left from right.
GRID: Final = (96, 54)
# The scene is kept finer, so that parts of it can be scaled to a grid.
FINE: Final = (288, 162)
# Of an upright video, the scene shows only a third of its width.
SCENE: Final = (1152, 648)
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
# Up to here, pictures differ in shape by less than the camera may.
CLOSE_FROM: Final = 0.9

Share = tuple[float, float]
WHOLE: Final = (1.0, 1.0)


def read_scene(path: Path) -> Image.Image | None:
    """Return a small gray copy of the scene, or None where it is no picture: nothing is then known of the video."""
    try:
        scene = flatten_on_white(load_upright(open_picture(path, OUTPUT_LIMITS))).convert("L")
    except MediaError:
        return None
    return ImageOps.fit(scene, SCENE, Image.Resampling.BOX)


class OpeningCheck:
    """Compares the first pictures of one video, given one after the other, with the scene; with None, does nothing.

    Only what `layout` leaves between bars is compared.
    """

    def __init__(self, scene: Image.Image | None, layout: Layout = AS_IT_IS) -> None:
        self._scene = scene
        self._parts = shown_parts(layout)
        self._number = 0
        self._likeness = 0.0

    def add(self, picture: VideoFrame) -> None:
        """Take the next picture, of 16:9, into account; raise `Unrelated` if none of the first half second fits."""
        if self._scene is None:
            return
        if self._number in LOOKED_AT and self._fits_somehow(_gray(picture), self._scene):
            self._scene = None
            return
        self._number += 1
        if self._number > LOOKED_AT[-1]:
            raise Unrelated("The video does not begin with its scene.", f"its likeness is {self._likeness:.2f}")

    def _fits_somehow(self, picture: Image.Image, scene: Image.Image) -> bool:
        return any(self._fits(_part(picture, shown), _part(scene, made_from)) for shown, made_from in self._parts)

    def _fits(self, picture: Image.Image, scene: Image.Image) -> bool:
        """Return whether the picture is the scene, and not rather its mirror image."""
        found = likeness(picture, scene)
        self._likeness = max(self._likeness, found)
        return found >= SURE_FROM or (found >= ALIKE_FROM and found > likeness(picture, ImageOps.mirror(scene)))


def shown_parts(layout: Layout) -> list[tuple[Share, Share]]:
    """Return which middle part of a finished picture shows which middle part of the scene, as shares of their sides.

    A model that makes another shape than 16:9 crops the scene, stretches it or adds to it, so there are three of them.
    Where the shapes are close, the search for the camera finds each.
    """
    left, top, right, bottom = layout.placed
    shown = (right - left) / WIDTH_PX, (bottom - top) / HEIGHT_PX
    wider = float(layout.aspect / ASPECT)
    cropped, added = (min(1, wider), min(1, 1 / wider)), (min(1, 1 / wider), min(1, wider))
    if layout.shown > CLOSE_FROM:
        return [(shown, WHOLE)]
    if layout.is_padded:
        return [(shown, cropped), (shown, WHOLE), (_times(shown, added), WHOLE)]
    return [(WHOLE, _times(cropped, added)), (WHOLE, added), (WHOLE, WHOLE)]


def _times(one: Share, other: Share) -> Share:
    return one[0] * other[0], one[1] * other[1]


def _part(image: Image.Image, share: Share) -> Image.Image:
    """Return the middle part of a picture, at the size FINE."""
    left, top = (side * (1 - part) / 2 for side, part in zip(image.size, share, strict=True))
    return image.resize(FINE, Image.Resampling.BOX, (left, top, image.width - left, image.height - top))


def _gray(picture: VideoFrame) -> Image.Image:
    gray = picture.reformat(format="gray")
    return Image.frombytes("L", (gray.width, gray.height), bytes(gray.planes[0]), "raw", "L", gray.planes[0].line_size)


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
