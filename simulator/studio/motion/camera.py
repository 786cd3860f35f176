"""The camera: a slow move over the scene, seen most in the figure, which stands nearer than its setting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from simulator.studio.motion.direction import Direction

MARGIN = 0.06
"""The margin by which a scene is extended beyond its borders, by its mirror image, as a share of its height."""
_TRAVEL = 0.034
_NEARNESS = 1.7


def eased(t: float) -> float:
    """Return how far a move has come at `t` (0 to 1) that starts and ends at rest."""
    return t * t * (3 - 2 * t)


@dataclass(frozen=True, slots=True)
class View:
    """The part of a scene that the camera sees: magnified by `zoom` around (x, y), shifted by (dx, dy). Pixels."""

    x: float
    y: float
    zoom: float
    dx: float
    dy: float

    def place(self, x: float, y: float, nearness: float = _NEARNESS) -> tuple[float, float]:
        """Return where the scene's point (x, y) is seen; what is nearer moves more when the camera moves sideways."""
        at_x = self.x + (x - self.x - self.dx * nearness) * self.zoom
        return at_x, self.y + (y - self.y - self.dy * nearness) * self.zoom


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera over a scene of `size_px`."""

    size_px: tuple[int, int]
    direction: Direction

    def view(self, progress: float) -> View:
        """Return the view when `progress` (0 to 1) of the way is done; at 0 it is the scene as it is."""
        width, height = self.size_px
        way = eased(progress)
        travel = _TRAVEL * height * way
        zoom = 1 + self.direction.zoom * way
        return View(width / 2, height * 0.78, zoom, self.direction.pan * travel, -self.direction.rise * travel)

    def shot(self, plate: Image.Image, view: View) -> Image.Image:
        """Return the picture seen of `plate`, a scene extended by `extended`.

        Resampling a box costs a third of bending a grid, and the whole of a setting moves alike anyway.
        """
        width, height = self.size_px
        margin = round(height * MARGIN)
        left = margin + view.x + view.dx - view.x / view.zoom
        top = margin + view.y + view.dy - view.y / view.zoom
        right, bottom = left + width / view.zoom, top + height / view.zoom
        inside = (max(0.0, left), max(0.0, top), min(float(plate.width), right), min(float(plate.height), bottom))
        return plate.resize(self.size_px, Image.Resampling.BILINEAR, inside)


def extended(scene: Image.Image) -> Image.Image:
    """Return the scene with a mirrored margin, so that a camera pulling out meets no border."""
    margin = round(scene.height * MARGIN)
    edges = ((margin, margin), (margin, margin), (0, 0))
    return Image.fromarray(np.pad(np.asarray(scene), edges, mode="reflect"), "RGB")
