"""Glows, rays, discs and stars."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageChops

from simulator.studio.canvas import Canvas, Stencil
from simulator.studio.colours import Colour, mix
from simulator.studio.curves import Point

_FALLOFF = Image.radial_gradient("L").point(lambda value: round(max(0.0, 1 - value / 181) ** 2.2 * 255))


def glow(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, strength: float = 0.8) -> None:
    """Add light around (x, y) that fades to nothing at `radius`. Light adds up; it never covers."""
    left, top = canvas.px(x - radius, y - radius)
    right, bottom = canvas.px(x + radius, y + radius)
    box = (round(left), round(top), max(round(left) + 2, round(right)), max(round(top) + 2, round(bottom)))
    inside = (max(0, box[0]), max(0, box[1]), min(canvas.size[0], box[2]), min(canvas.size[1], box[3]))
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        return
    mask = _FALLOFF.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR)
    mask = mask.crop((inside[0] - box[0], inside[1] - box[1], inside[2] - box[0], inside[3] - box[1]))
    mask = mask.point(lambda value: round(value * strength))
    light = Image.composite(Image.new("RGB", mask.size, colour), Image.new("RGB", mask.size, (0, 0, 0)), mask)
    canvas.image.paste(ImageChops.screen(canvas.image.crop(inside), light), inside)


def disc(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, halo: Colour) -> None:
    """Paint a sun or a moon with its halo."""
    glow(canvas, x, y, radius * 3.6, halo, 0.75)
    canvas.cut(Stencil().ellipse(x, y, radius, radius), colour)
    glow(canvas, x - radius * 0.2, y - radius * 0.2, radius * 1.3, mix(colour, (255, 255, 255), 0.5), 0.35)


def rays(
    canvas: Canvas,
    x: float,
    y: float,
    colour: Colour,
    rng: random.Random,
    *,
    towards: tuple[float, float] = (60, 120),
    count: int = 7,
    opacity: float = 0.2,
    length: float = 1500,
) -> None:
    """Lay shafts of light that fan out from (x, y); `towards` gives the fan's sides in degrees, 90 being down."""
    shafts = Stencil()
    for number in range(count):
        at = towards[0] + (towards[1] - towards[0]) * (number + rng.uniform(0.2, 0.8)) / count
        half = rng.uniform(0.25, 0.9) * (towards[1] - towards[0]) / count / 2
        fan: list[Point] = [(x, y)]
        for degrees in (at - half, at + half):
            angle = math.radians(degrees)
            fan.append((x + length * math.cos(angle), y + length * math.sin(angle)))
        shafts.polygon(fan)
    canvas.cut(shafts, colour, blur=9, opacity=opacity)


def stars(canvas: Canvas, rng: random.Random, *, count: int, top: float, bottom: float, colour: Colour) -> None:
    """Scatter stars between `top` and `bottom`; the few brightest have a cross of light."""
    small, large = Stencil(), Stencil()
    for number in range(count):
        x, y, size = rng.uniform(-canvas.half, canvas.half), rng.uniform(top, bottom), rng.uniform(0.7, 2.0)
        if number % 14:
            small.ellipse(x, y, size, size)
        else:
            large.polygon(spark(x, y, size * 5))
    canvas.cut(small, colour, opacity=0.85)
    canvas.cut(large, colour)


def spark(x: float, y: float, radius: float) -> list[Point]:
    """Return the outline of a four-pointed star."""
    points = [(number * math.tau / 8, radius if number % 2 == 0 else radius * 0.24) for number in range(8)]
    return [(x + reach * math.cos(angle), y + reach * math.sin(angle)) for angle, reach in points]


def fireflies(canvas: Canvas, rng: random.Random, *, count: int, colour: Colour, top: float, bottom: float) -> None:
    """Scatter small glowing points, leaving the figure's face free."""
    for _ in range(count):
        x, y = rng.uniform(-canvas.half, canvas.half), rng.uniform(top, bottom)
        if abs(x) < 230 and y < 620:
            continue
        size = rng.uniform(1.6, 4.2)
        glow(canvas, x, y, size * 9, colour, 0.7)
        canvas.cut(Stencil().ellipse(x, y, size, size), mix(colour, (255, 255, 255), 0.7))
