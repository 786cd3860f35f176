"""Skies, haze and the finish of a whole picture."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from PIL import Image

from simulator.studio.canvas import HEIGHT_UNITS, Canvas
from simulator.studio.colours import Colour
from simulator.studio.filters import Plane, resized
from simulator.studio.halftone import dots
from simulator.studio.noise import fractal

Stops = Sequence[tuple[float, Colour]]


def gradient(canvas: Canvas, stops: Stops) -> Image.Image:
    """Return a picture as large as the canvas, coloured from top to bottom by (y in units, colour) stops."""
    width, height = canvas.size
    y = (np.arange(height) + 0.5) / canvas.scale
    levels = [np.interp(y, [at for at, _ in stops], [colour[c] for _, colour in stops]) for c in range(3)]
    column = Image.fromarray(np.stack(levels, -1).round().astype(np.uint8)[:, None, :], "RGB")
    return column.resize((width, height), Image.Resampling.NEAREST)


def sky(canvas: Canvas, *stops: tuple[float, Colour]) -> None:
    """Fill the whole picture with a vertical gradient."""
    canvas.image.paste(gradient(canvas, stops))


def numbers(rng: random.Random) -> np.random.Generator:
    """Return a generator of arrays that follows `rng`."""
    return np.random.default_rng(rng.getrandbits(64))


def haze(canvas: Canvas, colour: Colour, top: float, bottom: float, opacity: float) -> None:
    """Lay mist that is thickest in the middle between `top` and `bottom`."""
    y = (np.arange(256, dtype=np.float32) + 0.5) * HEIGHT_UNITS / 256
    t = np.clip((y - top) / (bottom - top), 0, 1)
    band = (np.abs(np.sin(np.pi * t)) ** 1.5 * opacity).astype(np.float32)
    canvas.lay(colour, np.repeat(band[:, None], 16, axis=1))


def wisps(canvas: Canvas, colour: Colour, top: float, bottom: float, opacity: float, rng: random.Random) -> None:
    """Lay uneven drifting mist between `top` and `bottom`."""
    noise = fractal((192, 128), 3, numbers(rng), octaves=4)
    y = np.linspace(0, HEIGHT_UNITS, 128, dtype=np.float32)
    band = np.sin(np.pi * np.clip((y - top) / (bottom - top), 0, 1))[:, None]
    canvas.lay(colour, (np.clip(noise * 2.2 - 0.75, 0, 1) * band * opacity).astype(np.float32))


def screen_dots(canvas: Canvas, colour: Colour, amount: Plane, *, pitch: float = 11.0, opacity: float = 0.3) -> None:
    """Print halftone dots whose size follows `amount` (any size, 0 to 1)."""
    full = resized(amount, canvas.size)
    canvas.lay(colour, dots(np.clip(full, 0, 1), pitch * canvas.scale) * np.float32(opacity))


def corner_dots(canvas: Canvas, colour: Colour, *, opacity: float = 0.22) -> None:
    """Print halftone dots that grow towards the picture's corners, like the edge of a comic panel."""
    y, x = np.mgrid[-1:1:64j, -1:1:96j].astype(np.float32)
    screen_dots(canvas, colour, np.clip((x * x + y * y) * 0.62 - 0.42, 0, 0.85), pitch=13, opacity=opacity)


def vignette(canvas: Canvas, colour: Colour, opacity: float = 0.5) -> None:
    """Darken the picture towards its corners."""
    y, x = np.mgrid[-1:1:64j, -1:1:96j].astype(np.float32)
    canvas.lay(colour, (np.clip((x * x * 0.8 + y * y * 0.7) - 0.35, 0, 1) * opacity).astype(np.float32))
