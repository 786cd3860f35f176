"""The head's outline: which pixels around a face belong to the head, hair included, neck and background not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulator.studio.filters import Pixels, Plane, gaussian, guided, luma, pixels_of, smoothstep
from simulator.studio.likeness.faces import Face
from simulator.studio.regions import reached, reached_from_border

WINDOW_PX = 224
_BINS = 14


@dataclass(frozen=True, slots=True)
class Head:
    """A square cut of the photograph around the head, and how much each of its pixels belongs to the head."""

    pixels: Pixels
    mask: Plane


def cut_head(photo: Image.Image, face: Face) -> Head:
    """Return the head of `face`, which is measured in pixels of `photo`."""
    side = max(face.height * 2.05, face.width * 2.5)
    left, top = face.x - side / 2, face.y - 0.06 * face.height - side / 2
    pixels = _window(photo, left, top, side)
    return Head(pixels, _head_mask(pixels, face.scaled(WINDOW_PX / side)))


def _window(photo: Image.Image, left: float, top: float, side: float) -> Pixels:
    """Return the square of the photograph as `WINDOW_PX` pixels; beyond its border it is mirrored."""
    spans = [_span(start, side, length) for start, length in ((left, photo.width), (top, photo.height))]
    (x0, x1, before_x, wide), (y0, y1, before_y, tall) = spans
    part = pixels_of(photo.resize((wide, tall), Image.Resampling.BICUBIC, (x0, y0, x1, y1)))
    after_x, after_y = WINDOW_PX - before_x - wide, WINDOW_PX - before_y - tall
    return np.pad(part, ((before_y, after_y), (before_x, after_x), (0, 0)), mode="symmetric")


def _span(start: float, side: float, length: int) -> tuple[float, float, int, int]:
    """Return where the window lies within the photo's `length`, and its first pixel and its pixels in the window."""
    low, high = max(0.0, start), min(float(length), start + side)
    first = min(WINDOW_PX - 1, round((low - start) / side * WINDOW_PX))
    return low, high, first, max(1, min(WINDOW_PX - first, round((high - low) / side * WINDOW_PX)))


def _head_mask(pixels: Pixels, face: Face) -> Plane:
    distance = _distance_from_head(pixels.shape[:2], face)
    inside = np.clip(1.15 - distance, -0.6, 0.6) * np.float32(9)
    # The first look compares only what is surely head with what surely is not: a wall seen beside a slim
    # head would otherwise be learned as hair.
    head, around = smoothstep(0.8, 0.7, distance), smoothstep(1.15, 1.25, distance)
    near = smoothstep(2.3, 2.1, distance)
    for _ in range(3):
        belief = _sigmoid(inside + 1.05 * _colour_evidence(pixels, head, around * near))
        head, around = belief * smoothstep(1.3, 1.2, distance), 1 - belief
    even = guided(belief, luma(pixels), 7, 0.004)
    return _one_smooth_blob(even, distance)


def _distance_from_head(shape: tuple[int, ...], face: Face) -> Plane:
    """Return each pixel's distance from the head's middle: 1 on the oval that a usual head with hair fills."""
    height, width = shape[:2]
    x = (np.arange(width, dtype=np.float32) - width / 2) / np.float32(0.74 * face.width)
    y = np.arange(height, dtype=np.float32) - (height / 2 + 0.06 * face.height) + np.float32(0.08 * face.height)
    y = np.where(y > 0, y / (0.6 * face.height), y / (0.68 * face.height)).astype(np.float32)
    bulge = 1 + 0.32 * np.clip(y, 0, 1.4) ** 2
    distance: Plane = np.sqrt((x[None, :] * bulge[:, None]) ** 2 + y[:, None] ** 2).astype(np.float32)
    return distance


def _sigmoid(value: Plane) -> Plane:
    return (1 / (1 + np.exp(-np.clip(value, -30, 30)))).astype(np.float32)


def _colour_evidence(pixels: Pixels, head: Plane, around: Plane) -> Plane:
    """Return the log-odds that a pixel's colour is one of the head's and not one of those around it."""
    bins = np.clip((pixels * _BINS).astype(int), 0, _BINS - 1)
    index = (bins[..., 0] * _BINS + bins[..., 1]) * _BINS + bins[..., 2]
    odds = np.log((_histogram(index, head) + 2e-4) / (_histogram(index, around) + 2e-4))[index]
    return np.clip(gaussian(odds.astype(np.float32), 1.2), -4, 4).astype(np.float32)


def _histogram(index: NDArray[np.intp], weight: Plane) -> Plane:
    """Return each colour cell's share, blurred into its neighbours so that shades of one colour help each other."""
    counts = np.bincount(index.ravel(), weight.ravel(), _BINS**3).reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        low = np.take(padded, range(_BINS), axis)
        high = np.take(padded, range(2, _BINS + 2), axis)
        counts = 0.5 * counts + 0.25 * (low + high)
    share: Plane = (counts.ravel() / max(float(counts.sum()), 1e-6)).astype(np.float32)
    return share


def _one_smooth_blob(belief: Plane, distance: Plane) -> Plane:
    """Return the blob around the head's middle without holes or frayed edges: a cut by scissors, not by pixels."""
    solid = ((gaussian(belief, 2.0) > 0.5) & (distance < 1.32)) | (distance < 0.68)
    blob = reached(solid, distance < 0.3)
    filled = (~reached_from_border(~blob)).astype(np.float32)
    return smoothstep(0.38, 0.62, gaussian(filled, 5.0))
