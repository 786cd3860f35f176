"""Palms."""

from __future__ import annotations

import math
import random

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, toned
from simulator.studio.curves import Point, limb


def palm(
    canvas: Canvas,
    x: float,
    foot: float,
    height: float,
    lean: float,
    rng: random.Random,
    *,
    wood: Colour,
    leaves: Colour,
    ink: Ink | None = None,
) -> None:
    """Paint a palm."""
    top = (x + lean, foot - height)
    spine: list[Point] = [(x, foot), (x + lean * 0.25, foot - height * 0.45), top]
    width = height * 0.07
    canvas.cut(
        Stencil().polygon(limb(spine, [width * 1.3, width, width * 0.7])),
        wood,
        ink=ink,
        edges=(Edge(toned(wood, lightness=0.65), -width * 0.35, 0),),
    )
    for number in range(9):
        degrees = -178 + number * 22 + rng.uniform(-6, 6)
        _palm_leaf(
            canvas, top, height * rng.uniform(0.42, 0.55), degrees, mix(leaves, (20, 40, 40), 0.25 * (number % 2)), ink
        )


def _palm_leaf(canvas: Canvas, at: Point, length: float, degrees: float, colour: Colour, ink: Ink | None) -> None:
    angle = math.radians(degrees)
    spine: list[Point] = []
    for number in range(9):
        t = number / 8
        spine.append(
            (at[0] + length * t * math.cos(angle), at[1] + length * t * math.sin(angle) * 0.8 + length * 0.55 * t**2.2)
        )
    edge_up: list[Point] = [(px, py - length * 0.03) for px, py in spine]
    teeth: list[Point] = []
    for number in range(8, 0, -1):
        px, py = spine[number]
        teeth += [
            (px, py + length * 0.015),
            (px - 0.03 * length * math.cos(angle), py + length * 0.15 * (1.05 - number / 10)),
        ]
    canvas.cut(
        Stencil().polygon([*edge_up, *teeth]),
        colour,
        ink=ink,
        edges=(Edge(mix(colour, (255, 255, 180), 0.3), 0, 4, 0.7),),
    )
