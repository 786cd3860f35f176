"""Where the face in a photograph is: a drawn schematic face is slid over it at many sizes and compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulator.studio.filters import Pixels, Plane, luma, pixels_of, smoothstep

_TEMPLATE_PX = 25  # brow to chin, and the square window that the comparison looks at
_FACE_SHARES = tuple(float(share) for share in np.geomspace(0.13, 0.9, 15))
_LEAST_SCORE = 0.62


@dataclass(frozen=True, slots=True)
class Face:
    """A face's place in its picture, from forehead to chin. Lengths are pixels of the picture it was found in.

    `confidence` is 0 when no face was found and the place is only the middle of the picture.
    """

    x: float
    y: float
    width: float
    height: float
    confidence: float

    def scaled(self, factor: float) -> Face:
        """Return the same face in a picture `factor` times as large."""
        return Face(self.x * factor, self.y * factor, self.width * factor, self.height * factor, self.confidence)


def skin_likeness(pixels: Pixels) -> Plane:
    """Return for each pixel how much its colour could be skin of any complexion, from 0 to 1."""
    red, green, blue = pixels[..., 0] * 255, pixels[..., 1] * 255, pixels[..., 2] * 255
    bright = luma(pixels) * 255
    cr, cb = 128 + 0.713 * (red - bright), 128 + 0.564 * (blue - bright)
    tone = np.exp(-(((cr - 152) / 15) ** 2) - ((cb - 108) / 17) ** 2).astype(np.float32)
    ordered = smoothstep(-4, 10, red - green) * smoothstep(-14, 6, green - blue)
    return (np.clip(1.5 * tone, 0, 1) * ordered * smoothstep(28, 60, bright)).astype(np.float32)


def find_face(photo: Image.Image) -> Face:
    """Return the likeliest face of an RGB photo, or the middle of the picture where nothing looks like a face."""
    short = min(photo.size)
    found = [_best_at_share(photo, share) for share in _FACE_SHARES if short * share >= 8]
    best = max(found, key=lambda face: face.confidence, default=None)
    return best if best and best.confidence > 0 else _middle(photo.width, photo.height)


def _middle(width: int, height: int) -> Face:
    tall = min(height * 0.62, width * 0.74)
    return Face(width / 2, height * 0.48, tall * 0.8, tall, 0.0)


def _best_at_share(photo: Image.Image, share: float) -> Face:
    """Return the best match for faces whose height is `share` of the photo's short side."""
    factor = _TEMPLATE_PX / (share * min(photo.size))
    size = (max(1, round(photo.width * factor)), max(1, round(photo.height * factor)))
    pixels = pixels_of(photo.resize(size, Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC))
    padded = np.pad(pixels, ((8, 8), (8, 8), (0, 0)), mode="edge")
    scores = _scores(padded) + _place_bonus(padded.shape[:2], share)
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    half, score = _TEMPLATE_PX / 2, float(scores[row, column])
    x, y = (float(column) + half - 8) / factor, (float(row) + half - 8) / factor
    tall = _TEMPLATE_PX / factor
    return Face(x, y, 0.8 * tall, tall, max(0.0, score - _LEAST_SCORE))


def _schematic() -> tuple[Plane, Plane]:
    """Return a drawn face (dark eyes, nose and mouth on a bright oval) and the weight of each of its pixels."""
    y, x = np.mgrid[0:_TEMPLATE_PX, 0:_TEMPLATE_PX].astype(np.float32) - np.float32(_TEMPLATE_PX // 2)

    def spot(at_x: float, at_y: float, wide: float, tall: float) -> Plane:
        return np.exp(-(((x - at_x) / wide) ** 2) - ((y - at_y) / tall) ** 2).astype(np.float32)

    oval = np.sqrt((x / 10.5) ** 2 + ((y - 0.5) / 13.5) ** 2).astype(np.float32)
    face = 1 - 0.75 * smoothstep(0.75, 1.15, oval) + 0.12 * spot(0, -8, 7, 3)
    face -= 0.75 * (spot(-4.4, -4.3, 2.6, 1.5) + spot(4.4, -4.3, 2.6, 1.5)) + 0.25 * spot(0, -5, 7, 1.6)
    face += 0.14 * (spot(-5, 0, 2.6, 1.8) + spot(5, 0, 2.6, 1.8)) + 0.12 * spot(0, -0.5, 1.4, 3)
    face -= 0.28 * spot(0, 2.6, 2.2, 0.9) + 0.42 * spot(0, 5.6, 3.6, 1.1)
    weight = 1 - 0.85 * smoothstep(0.85, 1.2, oval)
    return face.astype(np.float32), (weight / weight.sum()).astype(np.float32)


_FACE, _WEIGHT = _schematic()


def _slide(plane: Plane, kernel: Plane) -> Plane:
    """Return the sum of `plane` weighted by `kernel` at every place where the kernel fits."""
    shape = plane.shape
    product = np.fft.rfft2(plane, shape) * np.conj(np.fft.rfft2(kernel, shape))
    rows, columns = shape[0] - kernel.shape[0] + 1, shape[1] - kernel.shape[1] + 1
    slid: NDArray[np.float64] = np.fft.irfft2(product, shape)[:rows, :columns]
    return slid.astype(np.float32)


def _scores(pixels: Pixels) -> Plane:
    """Return how face-like each place is: like the drawing in both its halves, of skin within and less around."""
    bright, skin = luma(pixels), skin_likeness(pixels)
    left, right = _WEIGHT.copy(), _WEIGHT.copy()
    left[:, _TEMPLATE_PX // 2 + 2 :] = 0
    right[:, : _TEMPLATE_PX // 2 - 1] = 0
    halves = np.minimum(_likeness(bright, left / left.sum()), _likeness(bright, right / right.sum()))
    within = _slide(skin, _WEIGHT)
    around = _slide(skin, np.full_like(_WEIGHT, 1 / _WEIGHT.size))
    return 0.7 * _likeness(bright, _WEIGHT) + 0.5 * halves + 0.35 * within + 0.5 * (within - around)


def _likeness(plane: Plane, weight: Plane) -> Plane:
    """Return the weighted correlation of each place with the drawn face, from -1 to 1."""
    drawn = _FACE - float((weight * _FACE).sum())
    mean, square = _slide(plane, weight), _slide(plane * plane, weight)
    spread = np.sqrt(np.maximum(square - mean * mean, 0)) + np.float32(0.02)
    return _slide(plane, weight * drawn) / (spread * np.float32(np.sqrt((weight * drawn * drawn).sum())))


def _place_bonus(shape: tuple[int, ...], share: float) -> Plane:
    """Return the preference for the upper middle of the picture, and for a face of a portrait's usual size."""
    rows, columns = shape[0] - _TEMPLATE_PX + 1, shape[1] - _TEMPLATE_PX + 1
    across = np.linspace(-1, 1, columns, dtype=np.float32)[None, :] if columns > 1 else np.zeros((1, 1), np.float32)
    down = np.linspace(-0.8, 1.2, rows, dtype=np.float32)[:, None] if rows > 1 else np.zeros((1, 1), np.float32)
    usual = np.float32(0.1 * np.log(share / 0.36) ** 2)
    return (-0.12 * across**2 - 0.1 * down**2 - usual).astype(np.float32)
