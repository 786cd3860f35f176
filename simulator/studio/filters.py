"""Filters over planes: float32 arrays of height by width, values usually from 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]
Pixels = NDArray[np.float32]  # height, width, 3


def pixels_of(image: Image.Image) -> Pixels:
    """Return an RGB picture as float32 from 0 to 1."""
    return np.asarray(image.convert("RGB"), dtype=np.float32) / np.float32(255)


def image_of(pixels: Pixels) -> Image.Image:
    """Return RGB pixels as a picture; values outside 0 to 1 are clipped."""
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8), "RGB")


def mask_of(plane: Plane) -> Image.Image:
    """Return a plane as an 8-bit mask."""
    return Image.fromarray((np.clip(plane, 0, 1) * 255 + 0.5).astype(np.uint8), "L")


def plane_of(mask: Image.Image) -> Plane:
    """Return an 8-bit mask as a plane."""
    return np.asarray(mask, dtype=np.float32) / np.float32(255)


def luma(pixels: Pixels) -> Plane:
    """Return the brightness of each pixel as the eye weighs it."""
    return (pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)).astype(np.float32)


def smoothstep(low: float, high: float, value: Plane) -> Plane:
    """Return 0 below `low`, 1 above `high`, and an even ramp without corners between. `low` may be above `high`."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    ramp: Plane = (t * t * (3 - 2 * t)).astype(np.float32)
    return ramp


def gaussian(plane: Plane, sigma_px: float) -> Plane:
    """Return the plane blurred by a Gaussian; the border repeats outwards."""
    if sigma_px <= 0:
        return plane
    radius = max(1, int(2.6 * sigma_px + 0.5))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2).astype(np.float32)
    taps /= taps.sum()
    return _along_rows(_along_rows(plane, taps).T, taps).T


def _along_rows(plane: Plane, taps: Plane) -> Plane:
    radius = len(taps) // 2
    padded = np.pad(plane, ((0, 0), (radius, radius)), mode="edge")
    width = plane.shape[1]
    total = np.zeros(plane.shape, np.float32)
    for offset, weight in enumerate(taps):
        total += weight * padded[:, offset : offset + width]
    return total


def box(plane: Plane, radius_px: int) -> Plane:
    """Return the mean over a square window; the border repeats outwards. Its cost does not grow with the radius."""
    return _box_rows(_box_rows(plane, radius_px).T, radius_px).T


def _box_rows(plane: Plane, radius_px: int) -> Plane:
    padded = np.pad(plane.astype(np.float64), ((0, 0), (radius_px + 1, radius_px)), mode="edge").cumsum(axis=1)
    window = 2 * radius_px + 1
    means: Plane = ((padded[:, window:] - padded[:, :-window]) / window).astype(np.float32)
    return means


def guided(plane: Plane, guide: Plane, radius_px: int, softness: float) -> Plane:
    """Return `plane` smoothed within areas where `guide` is even, its edges kept where the guide has edges."""
    guide_mean, mean = box(guide, radius_px), box(plane, radius_px)
    covariance = box(guide * plane, radius_px) - guide_mean * mean
    variance = box(guide * guide, radius_px) - guide_mean * guide_mean
    slope: Plane = (covariance / (variance + np.float32(softness))).astype(np.float32)
    offset = (mean - slope * guide_mean).astype(np.float32)
    return box(slope, radius_px) * guide + box(offset, radius_px)


def resized(plane: Plane, size_px: tuple[int, int]) -> Plane:
    """Return the plane resampled to (width, height) with a bicubic kernel."""
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32), "F")
    return np.asarray(image.resize(size_px, Image.Resampling.BICUBIC), dtype=np.float32)


def resized_pixels(pixels: Pixels, size_px: tuple[int, int]) -> Pixels:
    """Return RGB pixels resampled to (width, height)."""
    return np.stack([resized(pixels[..., channel], size_px) for channel in range(3)], axis=-1)
