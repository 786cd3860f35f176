"""Trees, leaves, ferns, mushrooms and what grows under water."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, toned
from simulator.studio.curves import Point, closed_curve, limb, open_curve
from simulator.studio.drawing.land import bumpy
from simulator.studio.drawing.light import glow


def trunk(
    canvas: Canvas,
    x: float,
    foot: float,
    width: float,
    colour: Colour,
    rng: random.Random,
    *,
    rim: Colour | None = None,
    ink: Ink | None = None,
) -> None:
    """Paint a tall trunk that leaves the picture at the top, with roots and a few branches."""
    lean = rng.uniform(-40, 40)
    spine: list[Point] = [(x, foot), (x + lean * 0.2, foot - 300), (x + lean * 0.7, foot - 600), (x + lean, -40)]
    wood = Stencil().polygon(limb(spine, [width * 1.15, width * 0.82, width * 0.74, width * 0.8]))
    for side in (-1, 1):
        root = [
            (x + side * width * 0.2, foot - width * 0.7),
            (x + side * width * 0.55, foot - 4),
            (x + side * width * 1.25, foot + 12),
        ]
        wood.polygon(limb(root, [width * 0.6, width * 0.34, 3]))
        y = rng.uniform(140, 420)
        branch = [(x + lean * 0.5, y + 70), (x + side * width * 1.1, y), (x + side * width * 2.3, y - 90)]
        wood.polygon(limb(branch, [width * 0.34, width * 0.22, 4]))
    edges = [Edge(toned(colour, lightness=0.62), -width * 0.22, 0)]
    if rim:
        edges.append(Edge(rim, width * 0.09, 3, 0.85))
    canvas.cut(wood, colour, ink=ink, edges=edges, shadow=0.35)


def foliage(
    canvas: Canvas,
    x: float,
    y: float,
    across: float,
    down: float,
    colour: Colour,
    rng: random.Random,
    *,
    ink: Ink | None = None,
    light: Colour | None = None,
) -> None:
    """Paint a mass of leaves: a lobed shape, lit clumps on it."""
    body = Stencil().polygon(bumpy(x, y, across, down, rng, bumps=11))
    canvas.cut(
        body, colour, ink=ink, edges=(Edge(toned(colour, lightness=0.7), -across * 0.1, -down * 0.16),), shadow=0.25
    )
    clumps = Stencil()
    for _ in range(5):
        cx, cy = x + rng.uniform(-0.55, 0.4) * across, y + rng.uniform(-0.55, 0.1) * down
        clumps.polygon(bumpy(cx, cy, across * 0.2, down * 0.16, rng, bumps=6))
    canvas.cut(clumps, light or mix(colour, (255, 255, 200), 0.22), opacity=0.8)


def pine_outline(x: float, foot: float, height: float, rng: random.Random) -> list[Point]:
    """Return a fir's jagged outline."""
    left: list[Point] = []
    right: list[Point] = []
    tiers = 6
    for tier in range(tiers):
        top, low = foot - height * (1 - tier / tiers * 0.92), foot - height * (1 - (tier + 1) / tiers * 0.92)
        half = height * 0.21 * ((tier + 1) / tiers) ** 0.85
        left += [(x - half * 0.36, top), (x - half * rng.uniform(0.9, 1.1), low)]
        right += [(x + half * 0.36, top), (x + half * rng.uniform(0.9, 1.1), low)]
    stem = height * 0.03
    return [
        (x, foot - height),
        *left,
        (x - stem, foot - height * 0.08),
        (x - stem, foot),
        (x + stem, foot),
        (x + stem, foot - height * 0.08),
        *reversed(right),
    ]


def pines(
    canvas: Canvas,
    places: Sequence[tuple[float, float, float]],
    colour: Colour,
    rng: random.Random,
    *,
    ink: Ink | None = None,
    snow: Colour | None = None,
) -> None:
    """Paint firs at (x, foot, height), lit or snowed on from the left."""
    firs = Stencil()
    for x, foot, height in places:
        firs.polygon(pine_outline(x, foot, height, rng))
    edges = [Edge(toned(colour, lightness=0.7), -10, 0)]
    if snow:
        edges.append(Edge(snow, 7, 5))
    canvas.cut(firs, colour, ink=ink, edges=edges)


def leaf_outline(x: float, y: float, length: float, degrees: float, *, fat: float = 0.26) -> list[Point]:
    """Return a pointed leaf growing from (x, y)."""
    angle = math.radians(degrees)
    along, across = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    shape = [(0.0, 0.0), (0.25, 0.8), (0.55, 1.0), (0.85, 0.5), (1.0, 0.0), (0.85, -0.5), (0.55, -1.0), (0.25, -0.8)]
    points = [
        (
            x + length * (a * along[0] + b * fat * across[0]),
            y + length * (a * along[1] + b * fat * across[1]),
        )
        for a, b in shape
    ]
    return closed_curve(points, 5)


def fern(
    canvas: Canvas,
    x: float,
    y: float,
    length: float,
    degrees: float,
    colour: Colour,
    *,
    blur: float = 0.0,
    rim: Colour | None = None,
) -> None:
    """Paint a frond that bends under its weight."""
    frond, count = Stencil(), 22
    angle = math.radians(degrees)
    stem: list[Point] = []
    for number in range(count + 1):
        t = number / count
        stem.append((x + length * t * math.cos(angle), y + length * t * math.sin(angle) + length * 0.42 * t * t))
    for number in range(2, count):
        t = number / count
        reach = length * 0.23 * math.sin(math.pi * (0.16 + 0.8 * t)) + 4
        for turn in (-58, 58):
            frond.polygon(leaf_outline(*stem[number], reach, degrees + turn + 34 * t, fat=0.11))
    frond.line(stem, max(2.0, length * 0.016))
    canvas.cut(frond, colour, blur=blur, edges=(Edge(rim, 3, 4, 0.8),) if rim else ())


def mushroom(
    canvas: Canvas, x: float, foot: float, height: float, cap: Colour, *, ink: Ink | None = None, shining: bool = True
) -> None:
    """Paint a mushroom whose cap glows."""
    if shining:
        glow(canvas, x, foot - height * 0.8, height * 1.6, cap, 0.55)
    stem = limb([(x, foot), (x + height * 0.04, foot - height * 0.7)], [height * 0.26, height * 0.18])
    canvas.cut(Stencil().polygon(stem), mix(cap, (255, 250, 235), 0.75), ink=ink)
    half, top = height * 0.42, foot - height
    outline = [
        (x - half, foot - height * 0.6),
        (x - half * 0.7, top + height * 0.1),
        (x, top - height * 0.04),
        (x + half * 0.7, top + height * 0.1),
        (x + half, foot - height * 0.6),
        (x, foot - height * 0.54),
    ]
    canvas.cut(
        Stencil().polygon(closed_curve(outline, 6)),
        cap,
        ink=ink,
        edges=(Edge(toned(cap, lightness=0.7), -half * 0.3, -half * 0.2), Edge(mix(cap, (255, 255, 255), 0.5), 3, 3)),
    )
    spots = Stencil()
    for dx, dy, size in ((-0.45, 0.24, 0.09), (0.1, 0.14, 0.12), (0.5, 0.26, 0.08)):
        spots.ellipse(x + dx * half, top + dy * height, size * half * 1.6, size * half * 1.2)
    canvas.cut(spots, mix(cap, (255, 255, 240), 0.75))


def branching(
    x: float, y: float, length: float, degrees: float, depth: int, rng: random.Random, into: Stencil, width: float
) -> Stencil:
    """Add a forking shape, coral or a bare tree, to a stencil and return it."""
    angle = math.radians(degrees)
    end = (x + length * math.cos(angle), y + length * math.sin(angle))
    into.line([(x, y), end], width)
    if depth > 0:
        for turn in (-1, 1):
            branching(
                *end,
                length * rng.uniform(0.62, 0.84),
                degrees + turn * rng.uniform(16, 36),
                depth - 1,
                rng,
                into,
                width * 0.72,
            )
    return into


def kelp(
    canvas: Canvas, x: float, foot: float, height: float, colour: Colour, rng: random.Random, *, blur: float = 0.0
) -> None:
    """Paint a swaying ribbon of weed with leaves."""
    phase = rng.uniform(0, 6)
    spine: list[Point] = [(x + 22 * math.sin(phase + t * 0.9) * t / 4, foot - height * t / 8) for t in range(9)]
    weed = Stencil().line(open_curve(spine, 6), 7)
    for number in range(1, 9):
        side = 1 if number % 2 else -1
        weed.polygon(leaf_outline(*spine[number], height * 0.17, -90 + side * 52, fat=0.2))
    canvas.cut(weed, colour, blur=blur, edges=(Edge(mix(colour, (220, 255, 200), 0.35), 4, 2, 0.7),))
