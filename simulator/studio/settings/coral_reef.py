"""Coral reef: light from the surface, corals and weed, shoals of fish over rippled sand."""

from __future__ import annotations

import math
import random

import numpy as np

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, rgb, toned
from simulator.studio.curves import Point, closed_curve
from simulator.studio.drawing.air import corner_dots, haze, numbers, sky, vignette
from simulator.studio.drawing.land import bumpy, ground, ridge, rock
from simulator.studio.drawing.light import glow, rays
from simulator.studio.drawing.plants import branching, kelp
from simulator.studio.filters import smoothstep
from simulator.studio.noise import fractal
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#06243f")
_CORALS = (rgb("#ff6f7d"), rgb("#ffa24f"), rgb("#c86bd8"), rgb("#ff8fc3"), rgb("#ffd85e"))


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#8cf0ee")), (200, rgb("#36c3dc")), (520, rgb("#1583bd")), (1000, rgb("#0b4a86")))
    glow(canvas, -160, -60, 760, rgb("#eaffef"), 0.85)
    for layer, colour in enumerate((rgb("#2c9fc9"), rgb("#1d7fb2"), rgb("#155f96"))):
        ridge(canvas, 560 + 60 * layer, 110 - 20 * layer, colour, rng, cells=5, rim=mix(colour, rgb("#a8f3ff"), 0.3))
        _silhouettes(canvas, 600 + 60 * layer, mix(colour, rgb("#0d4f8c"), 0.3), rng)
        haze(canvas, rgb("#58d0e6"), 420, 860, 0.25)
    rays(canvas, -240, -220, rgb("#e6fff4"), rng, towards=(42, 118), count=11, opacity=0.3)
    _shoal(canvas, rng, 330, 250, rgb("#ffcf4a"), 9)
    _shoal(canvas, rng, -430, 330, rgb("#ff7a59"), 7)
    _shoal(canvas, rng, 480, 480, rgb("#d5f4ff"), 6)
    stops = ((720, rgb("#e9dca4")), (820, rgb("#bfb98c")), (1000, rgb("#3d7489")))
    ground(canvas, 748, stops, rng, ink=Ink(_INK, 2.5))
    _caustics(canvas, rng)
    _reef(canvas, rng)


def _silhouettes(canvas: Canvas, foot: float, colour: Colour, rng: random.Random) -> None:
    shapes = Stencil()
    for _ in range(8):
        branching(rng.uniform(-canvas.half, canvas.half), foot + 20, rng.uniform(26, 44), -90, 3, rng, shapes, 12)
    canvas.cut(shapes, colour)


def _shoal(canvas: Canvas, rng: random.Random, x: float, y: float, colour: Colour, count: int) -> None:
    for _ in range(count):
        fx, fy, size = x + rng.uniform(-170, 170), y + rng.uniform(-70, 70), rng.uniform(17, 32)
        if abs(fx) > 240:
            _fish(canvas, fx, fy, size, colour, -1 if x > 0 else 1)


def _fish(canvas: Canvas, x: float, y: float, size: float, colour: Colour, facing: int) -> None:
    def at(a: float, b: float) -> Point:
        return x + facing * size * a, y + size * b

    outline = ((1, 0), (0.4, -0.5), (-0.5, -0.3), (-0.8, 0), (-0.5, 0.3), (0.4, 0.5))
    body = closed_curve([at(a, b) for a, b in outline], 6)
    tail = [at(-0.65, 0), at(-1.35, -0.5), at(-1.1, 0), at(-1.35, 0.5)]
    fin = [at(0.2, -0.4), at(-0.35, -0.75), at(-0.4, -0.25)]
    canvas.cut(
        Stencil().polygon(tail).polygon(fin).polygon(body),
        colour,
        ink=Ink(_INK, 2.4),
        edges=(Edge(toned(colour, lightness=0.72), 0, -size * 0.3), Edge(mix(colour, (255, 255, 255), 0.5), 2, 3)),
    )
    canvas.cut(Stencil().line([at(0.25, -0.34), at(0.2, 0.34)], size * 0.15), (255, 255, 255), opacity=0.85)
    canvas.cut(Stencil().ellipse(*at(0.6, -0.08), size * 0.1, size * 0.1), _INK)


def _caustics(canvas: Canvas, rng: random.Random) -> None:
    """Lay the net of light that waves throw on sand: where noise crosses its middle."""
    noise = fractal((384, 256), 16, numbers(rng), octaves=2)
    net = smoothstep(0.035, 0.0, np.abs(noise - 0.5).astype(np.float32))
    y = np.linspace(0, 1000, 256, dtype=np.float32)[:, None]
    canvas.lay(rgb("#fffbe0"), net * smoothstep(760, 860, y) * np.float32(0.4))


def _reef(canvas: Canvas, rng: random.Random) -> None:
    for side in (-1, 1):
        for number in range(4):
            rock(
                canvas,
                side * (330 + 125 * number),
                830 + 30 * number,
                190,
                90 + 34 * number,
                rgb("#5a6fa6"),
                rng,
                Ink(_INK, 3),
            )
        for number in range(7):
            x, foot = side * rng.uniform(300 + 50 * number, 360 + 58 * number), 800 + 18 * number
            _coral(canvas, x, foot, rng.uniform(60, 120) + 10 * number, rng.choice(_CORALS), rng)
        for number in range(3):
            kelp(canvas, side * (500 + 90 * number), 850, rng.uniform(300, 480), rgb("#3fb27c"), rng)


def _coral(canvas: Canvas, x: float, foot: float, height: float, colour: Colour, rng: random.Random) -> None:
    edges = (Edge(toned(colour, lightness=0.72), -6, -3), Edge(mix(colour, (255, 255, 255), 0.55), 3, 3))
    kind = rng.randrange(3)
    if kind == 0:
        shape = branching(x, foot, height * 0.36, -90, 4, rng, Stencil(), height * 0.15)
    elif kind == 1:
        shape = Stencil().polygon(bumpy(x, foot - height * 0.3, height * 0.5, height * 0.4, rng, bumps=10, depth=0.1))
    else:
        shape = Stencil()
        for number in range(5):
            angle = math.radians(-150 + 30 * number)
            reach = height * rng.uniform(0.7, 1.0)
            shape.line([(x, foot), (x + reach * 0.5 * math.cos(angle), foot + reach * math.sin(angle))], height * 0.16)
    canvas.cut(shape, colour, ink=Ink(_INK, 3), edges=edges, shadow=0.3)


def _before(canvas: Canvas, rng: random.Random) -> None:
    bubbles = Stencil()
    for _ in range(46):
        x, y, size = rng.uniform(-canvas.half, canvas.half), rng.uniform(90, 900), rng.uniform(3, 13)
        if abs(x) > 220:
            bubbles.ellipse(x, y, size, size).ellipse(x, y, size * 0.78, size * 0.78, hole=True)
            bubbles.ellipse(x - size * 0.3, y - size * 0.3, size * 0.2, size * 0.2)
    canvas.cut(bubbles, rgb("#eaffff"), opacity=0.8)
    dark = rgb("#0a3a6b")
    for side in (-1, 1):
        shapes = Stencil()
        for number in range(3):
            branching(
                side * (canvas.half - 20 - 90 * number), 1015, 92 - 14 * number, -90 - side * 10, 4, rng, shapes, 34
            )
        canvas.cut(shapes, dark, blur=2, edges=(Edge(rgb("#2f86bd"), 4, 4, 0.7),))
        kelp(canvas, side * (canvas.half - 36), 1010, 620, rgb("#0f5a72"), rng, blur=1.6)
    corner_dots(canvas, _INK)
    vignette(canvas, rgb("#04254e"), 0.5)


SETTING = Setting(
    name="coral reef",
    words=("coral reef", "reef", "deep sea", "underwater", "ocean", "under the sea"),
    light=Light(tint=rgb("#a9e6ff"), rim=rgb("#d8fff4"), bounce=rgb("#86bfd0"), shadow=rgb("#06305a"), side=-1),
    behind=_behind,
    before=_before,
)
