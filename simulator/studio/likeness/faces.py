"""Where the face in a photograph is: a drawn schematic face is slid over it at many sizes and compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from simulator.studio.filters import Pixels, Plane, box, luma, pixels_of, smoothstep

_TEMPLATE_PX = 25  # brow to chin, and the square window that the comparison looks at
_FACE_SHARES = tuple(float(share) for share in np.geomspace(0.16, 0.9, 13))
_TILTS_DEGREES = (-17.0, 0.0, 17.0)
_LEAST_SCORE = 0.5


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
    likeness: Plane = (np.clip(1.5 * tone, 0, 1) * ordered * smoothstep(28, 60, bright)).astype(np.float32)
    return likeness


def find_face(photo: Image.Image) -> Face:
    """Return the likeliest face of an RGB photo, or the middle of the picture where nothing looks like a face."""
    short = min(photo.size)
    found = [_best_at_share(photo, share) for share in _FACE_SHARES if short * share >= 8]
    best = max(found, key=lambda face: face.confidence, default=None)
    if best is None or best.confidence == 0 or (best.height < 0.3 * short and _is_close_up(photo)):
        return _middle(photo.width, photo.height)
    return best


def _is_close_up(photo: Image.Image) -> bool:
    """Return whether skin (or fur of its colour) fills the picture: a small face found in it is then a mistake."""
    return float(skin_likeness(pixels_of(photo.resize((48, 48), Image.Resampling.BOX))).mean()) > 0.4


def _middle(width: int, height: int) -> Face:
    tall = min(height * 0.72, width * 0.8)
    return Face(width * 0.48, height * 0.5, tall * 0.86, tall, 0.0)


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


def _turned(degrees: float) -> tuple[Plane, Plane]:
    """Return the coordinates of the window's pixels, seen with the head tilted."""
    y, x = np.mgrid[0:_TEMPLATE_PX, 0:_TEMPLATE_PX].astype(np.float32) - np.float32(_TEMPLATE_PX // 2)
    angle = np.float32(np.radians(degrees))
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _schematic(x: Plane, y: Plane) -> Plane:
    """Return a drawn face: dark eyes, nose and mouth on a bright oval."""

    def spot(at_x: float, at_y: float, wide: float, tall: float) -> Plane:
        return np.exp(-(((x - at_x) / wide) ** 2) - ((y - at_y) / tall) ** 2).astype(np.float32)

    oval = np.sqrt((x / 10.5) ** 2 + ((y - 0.5) / 13.5) ** 2).astype(np.float32)
    face = 1 - 0.6 * smoothstep(0.75, 1.15, oval) + 0.12 * spot(0, -8, 7, 3)
    face -= 0.75 * (spot(-4.4, -4.3, 2.6, 1.5) + spot(4.4, -4.3, 2.6, 1.5)) + 0.25 * spot(0, -5, 7, 1.6)
    face += 0.14 * (spot(-5, 0, 2.6, 1.8) + spot(5, 0, 2.6, 1.8)) + 0.12 * spot(0, -0.5, 1.4, 3)
    face -= 0.28 * spot(0, 2.6, 2.2, 0.9) + 0.42 * spot(0, 5.6, 3.6, 1.1)
    return face.astype(np.float32)


def _weights(x: Plane, y: Plane) -> tuple[Plane, Plane, Plane]:
    """Return how much each pixel counts when the whole face, its left half or its right half is compared."""
    oval = np.sqrt((x / 10.5) ** 2 + ((y - 0.5) / 13.5) ** 2).astype(np.float32)
    whole = 1 - 0.9 * smoothstep(0.8, 1.15, oval)
    left, right = whole * (x < 2), whole * (x > -2)
    return whole / whole.sum(), left / left.sum(), right / right.sum()


def _features(plane: Plane) -> Plane:
    """Return the plane less most of its broad shading, so that eyes and mouth count for more than hair and shadow."""
    return plane - np.float32(0.65) * box(plane, 5)


_TURNED = tuple(_turned(degrees) for degrees in _TILTS_DEGREES)
_DRAWN = tuple((_features(_schematic(x, y)), _weights(x, y)) for x, y in _TURNED)


class _Slide:
    """A plane over which kernels are slid; its spectrum is computed once for all of them."""

    def __init__(self, plane: Plane) -> None:
        self._shape = plane.shape
        self._spectrum = np.fft.rfft2(plane)

    def sums(self, kernel: Plane) -> Plane:
        """Return the sum weighted by `kernel` at every place where the kernel fits."""
        product = self._spectrum * np.conj(np.fft.rfft2(kernel, self._shape))
        rows, columns = (side - _TEMPLATE_PX + 1 for side in self._shape)
        return np.fft.irfft2(product, self._shape)[:rows, :columns].astype(np.float32)


def _scores(pixels: Pixels) -> Plane:
    """Return how face-like each place is: like the drawing in both its halves, of skin within and less around."""
    bright = _features(luma(pixels))
    plain, square, skin = _Slide(bright), _Slide(bright * bright), _Slide(skin_likeness(pixels))
    flat = np.full((_TEMPLATE_PX, _TEMPLATE_PX), 1 / _TEMPLATE_PX**2, dtype=np.float32)
    found: list[Plane] = []
    for drawn, (whole, left, right) in _DRAWN:
        halves = np.minimum(_likeness(plain, square, drawn, left), _likeness(plain, square, drawn, right))
        found.append((0.7 * _likeness(plain, square, drawn, whole) + 0.5 * halves).astype(np.float32))
    within = skin.sums(_DRAWN[1][1][0])
    scores: Plane = np.maximum.reduce(found) + 0.3 * within + 0.35 * (within - skin.sums(flat))
    return scores


def _likeness(plain: _Slide, square: _Slide, drawn: Plane, weight: Plane) -> Plane:
    """Return the weighted correlation of each place with the drawn face, from -1 to 1."""
    centred = drawn - float((weight * drawn).sum())
    mean = plain.sums(weight)
    spread = np.sqrt(np.maximum(square.sums(weight) - mean * mean, 0)) + np.float32(0.02)
    drawn_spread = np.float32(np.sqrt((weight * centred * centred).sum()))
    return plain.sums(weight * centred) / (spread * drawn_spread)


def _place_bonus(shape: tuple[int, ...], share: float) -> Plane:
    """Return the preference for the upper middle of the picture, and for a face of a portrait's usual size."""
    rows, columns = shape[0] - _TEMPLATE_PX + 1, shape[1] - _TEMPLATE_PX + 1
    across = np.linspace(-1, 1, columns, dtype=np.float32)[None, :] if columns > 1 else np.zeros((1, 1), np.float32)
    down = np.linspace(-0.8, 1.2, rows, dtype=np.float32)[:, None] if rows > 1 else np.zeros((1, 1), np.float32)
    usual = np.float32(0.2 * np.log(share / 0.36) ** 2)
    return (-0.12 * across**2 - 0.1 * down**2 - usual).astype(np.float32)
