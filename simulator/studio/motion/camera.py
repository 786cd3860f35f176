"""The camera: a slow move over the scene in which what is near moves more than what is far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from simulator.studio.motion.bend import Grid, bent
from simulator.studio.motion.direction import Direction

MARGIN = 0.06
"""How far the scene is extended beyond its borders, by its mirror image, as a share of its height."""


def eased(t: float) -> float:
    """Return how far a move has come at `t` (0 to 1) that starts and ends at rest."""
    return t * t * (3 - 2 * t)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera over a scene of `size_px`. `progress` (0 to 1) is how much of its way it has gone."""

    size_px: tuple[int, int]
    direction: Direction

    def view(self, plate: Image.Image, progress: float) -> Image.Image:
        """Return what the camera sees of `plate`, a scene extended by `extended`."""
        margin = round(self.size_px[1] * MARGIN)

        def fetch(x: Grid, y: Grid) -> tuple[Grid, Grid]:
            seen_x, seen_y = self.fetch(x, y, progress)
            return seen_x + margin, seen_y + margin

        return bent(plate, self.size_px, (1, 14), fetch)

    def fetch(self, x: Grid, y: Grid, progress: float) -> tuple[Grid, Grid]:
        """Return the scene's point that is seen at (x, y)."""
        width, height = self.size_px
        near = 0.45 + 0.55 * np.clip(y / height, 0, 1) ** 1.5
        way = eased(progress)
        magnified = 1 + self.direction.zoom * way * near
        centre_x, centre_y = width / 2, height * 0.56
        shift_x = self.direction.pan * way * 0.03 * height * near * 1.6
        shift_y = -self.direction.rise * way * 0.03 * height
        return centre_x + (x - centre_x) / magnified + shift_x, centre_y + (y - centre_y) / magnified + shift_y

    def place(self, x: float, y: float, progress: float) -> tuple[float, float, float]:
        """Return where the scene's point (x, y) is seen, and how magnified it is there."""
        width, height = self.size_px
        near = 0.45 + 0.55 * min(1.0, max(0.0, y / height)) ** 1.5
        way = eased(progress)
        magnified = 1 + self.direction.zoom * way * near
        shift_x = self.direction.pan * way * 0.03 * height * near * 1.6
        shift_y = -self.direction.rise * way * 0.03 * height
        seen_x = width / 2 + (x - shift_x - width / 2) * magnified
        return seen_x, height * 0.56 + (y - shift_y - height * 0.56) * magnified, magnified


def extended(scene: Image.Image) -> Image.Image:
    """Return the scene with a mirrored margin, so that a camera pulling out meets no border."""
    margin = round(scene.height * MARGIN)
    pixels = np.asarray(scene)
    return Image.fromarray(np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="reflect"), "RGB")
