"""The comic look: a photographed head becomes flat tones, dotted shadows and ink lines."""

from __future__ import annotations

import numpy as np

from simulator.studio.filters import (
    Pixels,
    Plane,
    gaussian,
    guided,
    luma,
    resized,
    resized_pixels,
    smoothstep,
)
from simulator.studio.halftone import dots
from simulator.studio.likeness.cutout import Head

_INK = np.array([28, 20, 34], dtype=np.float32) / 255
_TONES = 5


def drawn_head(head: Head, side_px: int) -> tuple[Pixels, Plane]:
    """Return the head as drawn colours and its mask, both `side_px` square."""
    size = (side_px, side_px)
    bright = _evened(luma(head.pixels), head.mask)
    flat = np.stack([guided(head.pixels[..., c], luma(head.pixels), 5, 0.006) for c in range(3)], -1)
    large, tone = resized_pixels(flat, size), resized(guided(bright, bright, 3, 0.004), size)
    shaded = _cel_shaded(large, tone)
    dotted = _dotted(shaded, tone, side_px)
    line = _ink_lines(bright, size)
    drawn = dotted * (1 - line[..., None]) + _INK * line[..., None]
    return drawn.astype(np.float32), np.clip(resized(head.mask, size), 0, 1)


def _evened(bright: Plane, mask: Plane) -> Plane:
    """Return the brightness with more contrast around its own median: flat light is helped, a complexion is kept."""
    inside = bright[mask > 0.5]
    if not inside.size:
        return bright
    low, median, high = (float(value) for value in np.percentile(inside, (4, 55, 96)))
    gain = min(1.5, max(0.95, 0.78 / max(high - low, 0.05)))
    even: Plane = np.clip(0.06 + 0.92 * median + (bright - median) * gain, 0, 1).astype(np.float32)
    return even


def _cel_shaded(colours: Pixels, tone: Plane) -> Pixels:
    """Return the colours livelier, in a few flat tones whose borders are narrow ramps and so do not show steps."""
    level = tone * _TONES
    step = np.floor(level)
    flat = (step + smoothstep(0.32, 0.68, level - step)) / _TONES
    bright = luma(colours)[..., None]
    lively = bright + (colours - bright) * 1.3
    target = (0.3 * tone + 0.7 * flat)[..., None] * 0.96 + 0.05
    return np.clip(lively * (0.25 + 0.75 * target / (bright + 0.06)), 0, 1).astype(np.float32)


def _dotted(colours: Pixels, tone: Plane, side_px: int) -> Pixels:
    """Return the colours with a screen of dots that grow where it gets darker."""
    shadow = smoothstep(0.62, 0.18, tone) * np.float32(0.75)
    screen = dots(shadow, max(4.0, side_px / 84)) * smoothstep(0.06, 0.2, tone)
    return (colours * (1 - 0.2 * screen[..., None])).astype(np.float32)


def _ink_lines(bright: Plane, size_px: tuple[int, int]) -> Plane:
    """Return where ink goes: the dark side of edges (a difference of blurs, sharpened) and the deepest shadows."""
    fine, coarse = gaussian(bright, 0.8), gaussian(bright, 1.9)
    edges = resized(coarse * 0.985 - fine, size_px)
    deep = resized(gaussian(bright, 1.2), size_px)
    line = smoothstep(0.012, 0.05, edges)
    return np.clip(line * 0.92 + smoothstep(0.16, 0.07, deep) * 0.8, 0, 1).astype(np.float32)
