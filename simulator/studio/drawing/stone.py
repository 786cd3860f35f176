"""Walls, towers, columns and roofs."""

from __future__ import annotations

import random
from functools import partial

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, toned
from simulator.studio.curves import Point
from simulator.studio.drawing.light import glow


def volume(
    canvas: Canvas, stencil: Stencil, colour: Colour, *, ink: Ink | None = None, depth: float = 16, shadow: float = 0.25
) -> None:
    """Cut a solid lit from the left: a dark band on its right, a light line on its upper left."""
    dark, light = mix(toned(colour, lightness=0.68), (40, 24, 70), 0.15), mix(colour, (255, 250, 230), 0.3)
    canvas.cut(stencil, colour, ink=ink, edges=(Edge(dark, -depth, 0), Edge(light, 4, 4, 0.8)), shadow=shadow)


def bricks(
    canvas: Canvas,
    left: float,
    top: float,
    right: float,
    bottom: float,
    colour: Colour,
    rng: random.Random,
    *,
    count: int = 16,
    size: float = 22,
) -> None:
    """Hint at masonry with a few single bricks: drawing them all would only make the wall grey."""
    some = Stencil()
    for _ in range(count):
        x, y = rng.uniform(left + size * 0.6, right - size * 1.2), rng.uniform(top + size * 0.4, bottom - size * 0.5)
        some.rectangle(x - size / 2, y - size * 0.22, x + size / 2, y + size * 0.22)
    canvas.cut(some, colour, opacity=0.55)


def arch_points(x: float, foot: float, width: float, height: float) -> list[Point]:
    """Return a doorway or window with a round head."""
    half = width / 2
    points: list[Point] = [(x - half, foot), (x - half, foot - height + half)]
    points += [(x + half * a, foot - height + half - half * b) for a, b in _ROUND]
    return [*points, (x + half, foot - height + half), (x + half, foot)]


_ROUND = ((-0.92, 0.38), (-0.71, 0.71), (-0.38, 0.92), (0.0, 1.0), (0.38, 0.92), (0.71, 0.71), (0.92, 0.38))


def lit_window(
    canvas: Canvas, x: float, foot: float, width: float, height: float, colour: Colour, ink: Ink | None = None
) -> None:
    """Paint an arched window with light in it."""
    glow(canvas, x, foot - height / 2, height * 1.7, colour, 0.5)
    canvas.cut(Stencil().polygon(arch_points(x, foot, width, height)), colour, ink=ink)
    bars = (
        Stencil()
        .line([(x, foot), (x, foot - height)], max(2, width * 0.09))
        .line([(x - width / 2, foot - height * 0.5), (x + width / 2, foot - height * 0.5)], max(2, width * 0.09))
    )
    canvas.cut(bars, ink.colour if ink else (30, 20, 40))


def tower(
    canvas: Canvas,
    x: float,
    foot: float,
    width: float,
    height: float,
    stone: Colour,
    roof: Colour | None,
    rng: random.Random,
    *,
    ink: Ink,
    window: Colour,
) -> None:
    """Paint a round tower, with a pointed roof or, without one, battlements."""
    top, half = foot - height, width / 2
    volume(canvas, Stencil().rectangle(x - half, top, x + half, foot), stone, ink=ink, depth=width * 0.32)
    bricks(
        canvas,
        x - half,
        top,
        x + half,
        foot,
        toned(stone, lightness=0.82),
        rng,
        count=round(height / 26),
        size=width * 0.2,
    )
    crown = Stencil().rectangle(x - half * 1.22, top - width * 0.2, x + half * 1.22, top + width * 0.12)
    for number in range(4):
        left = x - half * 1.22 + number * half * 0.7
        crown.rectangle(left, top - width * 0.42, left + half * 0.36, top - width * 0.1)
    volume(canvas, crown, mix(stone, (255, 255, 255), 0.08), ink=ink, depth=width * 0.3)
    if roof:
        cone = [(x - half * 1.4, top - width * 0.16), (x, top - width * 1.75), (x + half * 1.4, top - width * 0.16)]
        volume(canvas, Stencil().polygon(cone), roof, ink=ink, depth=width * 0.34)
    lit_window(canvas, x - half * 0.1, top + height * 0.34, width * 0.24, width * 0.5, window, Ink(ink.colour, 2.4))


def column(
    canvas: Canvas, x: float, foot: float, width: float, height: float, stone: Colour, *, ink: Ink, broken: bool = False
) -> None:
    """Paint a fluted column; a broken one ends in a jagged edge."""
    half, top = width / 2, foot - height
    block = partial(volume, canvas, colour=stone, ink=ink, depth=width * 0.3)
    shaft = _jagged(x, top, half) if broken else [(x - half * 0.78, top), (x + half * 0.78, top)]
    block(Stencil().polygon([(x - half * 0.86, foot), *shaft, (x + half * 0.86, foot)]))
    flutes = Stencil()
    for share in (-0.5, -0.18, 0.16):
        flutes.line([(x + share * half, top + 34), (x + share * half * 1.04, foot - 22)], max(2.0, width * 0.05))
    canvas.cut(flutes, toned(stone, lightness=0.74))
    block(Stencil().rectangle(x - half * 1.2, foot - width * 0.24, x + half * 1.2, foot))
    if not broken:
        block(Stencil().rectangle(x - half * 1.15, top - width * 0.2, x + half * 1.15, top + width * 0.06))


def _jagged(x: float, top: float, half: float) -> list[Point]:
    return [
        (x - half * 0.8, top + 14),
        (x - half * 0.2, top - 16),
        (x + half * 0.1, top + 8),
        (x + half * 0.5, top - 26),
        (x + half * 0.8, top),
    ]


def banner(
    canvas: Canvas, x: float, top: float, width: float, height: float, cloth: Colour, trim: Colour, *, ink: Ink
) -> None:
    """Paint a hanging banner with a swallow tail and a diamond on it."""
    outline = [
        (x - width / 2, top),
        (x + width / 2, top),
        (x + width / 2, top + height),
        (x, top + height * 0.82),
        (x - width / 2, top + height),
    ]
    canvas.cut(
        Stencil().polygon(outline),
        cloth,
        ink=ink,
        edges=(Edge(toned(cloth, lightness=0.68), -width * 0.24, 0),),
        shadow=0.3,
    )
    canvas.cut(Stencil().polygon(_diamond(x, top + height * 0.42, width * 0.24, height * 0.2)), trim)
    canvas.cut(
        Stencil().line([(x - width * 0.62, top), (x + width * 0.62, top)], 7), (92, 66, 48), ink=Ink(ink.colour, 2)
    )


def _diamond(x: float, y: float, half_width: float, half_height: float) -> list[Point]:
    return [(x, y - half_height), (x + half_width, y), (x, y + half_height), (x - half_width, y)]
