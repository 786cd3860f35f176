"""Colours and how they mix."""

from __future__ import annotations

import colorsys

from PIL import ImageColor

Colour = tuple[int, int, int]


def rgb(code: str) -> Colour:
    """Return the colour written as #rrggbb."""
    red, green, blue = ImageColor.getrgb(code)[:3]
    return red, green, blue


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return `first` with `share` (0 to 1) of `second` in it."""
    r, g, b = (round(a + (z - a) * share) for a, z in zip(first, second, strict=True))
    return r, g, b


def toned(colour: Colour, *, lightness: float = 1.0, saturation: float = 1.0) -> Colour:
    """Return the colour with its lightness and saturation multiplied, hue kept."""
    hue, light, sat = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    parts = colorsys.hls_to_rgb(hue, min(1.0, light * lightness), min(1.0, sat * saturation))
    r, g, b = (round(part * 255) for part in parts)
    return r, g, b


def lightness_of(colour: Colour) -> float:
    """Return how light the colour looks, from 0 to 1."""
    return (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255


def saturation_of(colour: Colour) -> float:
    """Return how colourful the colour is, from 0 to 1."""
    return (max(colour) - min(colour)) / max(max(colour), 1)
