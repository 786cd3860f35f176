"""Neon city: towers full of windows, signs over a wet street, a large moon in violet haze."""

from __future__ import annotations

import random

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, rgb, toned
from simulator.studio.drawing.air import corner_dots, haze, sky, vignette
from simulator.studio.drawing.land import FLOOR, textured
from simulator.studio.drawing.light import glow, spark, stars
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#0b0824")
_NEON = (rgb("#ff3fa4"), rgb("#2fe6ff"), rgb("#ffd23f"), rgb("#9b6bff"), rgb("#4dffb0"))
_STREET_Y = 716.0


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#0d0a3a")), (300, rgb("#41207d")), (560, rgb("#c23a98")), (720, rgb("#ff9a7a")))
    stars(canvas, rng, count=90, top=0, bottom=330, colour=rgb("#e9dcff"))
    _moon(canvas)
    for layer, colour in enumerate((rgb("#8a3c9c"), rgb("#4d2a86"), rgb("#231a58"))):
        _skyline(canvas, colour, layer, rng)
        haze(canvas, rgb("#ff74b8"), 430 + 40 * layer, 800, 0.4 - 0.12 * layer)
    _street(canvas, rng)
    _fronts(canvas, rng)


def _moon(canvas: Canvas) -> None:
    glow(canvas, 0, 400, 620, rgb("#ff8fc0"), 0.7)
    canvas.cut(Stencil().ellipse(0, 400, 285, 285), rgb("#ffd9a0"))
    for number in range(7):
        y = 470 + 34 * number
        stripe = Stencil().rectangle(-300, y, 300, y + 5 + 2.6 * number)
        canvas.cut(stripe, rgb("#c8479d"), opacity=0.75)


def _skyline(canvas: Canvas, colour: Colour, layer: int, rng: random.Random) -> None:
    x = -canvas.half - 40
    lit = (rgb("#ffe9a3"), rgb("#8ff1ff"), rgb("#ffa9d8"))
    while x < canvas.half:
        width = rng.uniform(58, 120) + 22 * layer
        centre = abs(x + width / 2) / canvas.half
        top = 520 - 300 * centre**0.8 * rng.uniform(0.5, 1.0) - rng.uniform(0, 70) + 36 * layer
        house = Stencil().rectangle(x, top, x + width, 760)
        if rng.random() < 0.4:
            house.rectangle(x + width * 0.2, top - 34, x + width * 0.8, top + 2)
            house.line([(x + width / 2, top - 30), (x + width / 2, top - 110)], 3)
        canvas.cut(
            house,
            colour,
            edges=(Edge(mix(colour, _INK, 0.4), -width * 0.28, 0), Edge(mix(colour, rgb("#ffb0e0"), 0.4), 3, 3)),
        )
        _windows(canvas, x, top, width, rng.choice(lit), layer, rng)
        x += width + rng.uniform(-8, 16)


def _windows(
    canvas: Canvas, left: float, top: float, width: float, colour: Colour, layer: int, rng: random.Random
) -> None:
    lights, size = Stencil(), 6 + 2.5 * layer
    pitch = size * 2.3
    for row in range(int((700 - top) / (pitch * 1.2))):
        for column in range(int((width - size * 2) / pitch)):
            if rng.random() < 0.42:
                x, y = left + size + column * pitch, top + size * 1.8 + row * pitch * 1.2
                lights.rectangle(x, y, x + size, y + size * 1.35)
    canvas.cut(lights, colour, opacity=0.5 + 0.2 * layer)


def _street(canvas: Canvas, rng: random.Random) -> None:
    stops = ((_STREET_Y, rgb("#6a3a94")), (800, rgb("#34236e")), (1000, rgb("#120d3a")))
    area = Stencil().rectangle(-canvas.half, _STREET_Y, canvas.half, FLOOR)
    canvas.cut(area, textured(canvas, stops, rng, grain=0.3), ink=Ink(_INK, 3))
    for number in range(-9, 10):
        x, colour = number * 86.0, rng.choice(_NEON)
        streak = Stencil().polygon(
            [(x * 0.8 - 12, _STREET_Y), (x * 0.8 + 12, _STREET_Y), (x * 1.5 + 22, FLOOR), (x * 1.5 - 22, FLOOR)]
        )
        canvas.cut(streak, colour, blur=11, opacity=rng.uniform(0.16, 0.4))
    lane = Stencil()
    for number in range(6):
        y0, y1 = 735 + 6 * number**2.1, 735 + 6 * (number + 0.55) ** 2.1
        for side in (-1, 1):
            half = 0.05
            lane.polygon(
                [
                    (side * (y0 - 700) * (1 - half), y0),
                    (side * (y0 - 700) * (1 + half), y0),
                    (side * (y1 - 700) * (1 + half), y1),
                    (side * (y1 - 700) * (1 - half), y1),
                ]
            )
    canvas.cut(lane, rgb("#ffe7f5"), opacity=0.75)


def _fronts(canvas: Canvas, rng: random.Random) -> None:
    """Paint the two near house fronts with their signs."""
    for side in (-1, 1):
        inner, outer = side * 372.0, side * (canvas.half + 30)
        wall = Stencil().polygon([(inner, 330), (outer, 150), (outer, 880), (inner, 744)])
        canvas.cut(wall, rgb("#191345"), ink=Ink(_INK, 4), edges=(Edge(rgb("#ff5fb4"), side * 5, 0, 0.9),), shadow=0.5)
        for number in range(4):
            x = side * (430 + 84 * number)
            _shop(canvas, x, 560 + 20 * number, rng.choice(_NEON))
        for number in range(3):
            _sign(canvas, side * (400 + 120 * number), 330 + 20 * number + rng.uniform(-30, 30), rng.choice(_NEON), rng)


def _shop(canvas: Canvas, x: float, y: float, colour: Colour) -> None:
    glow(canvas, x, y + 60, 120, colour, 0.5)
    canvas.cut(
        Stencil().rectangle(x - 30, y + 10, x + 30, y + 150), mix(colour, (255, 255, 255), 0.25), ink=Ink(_INK, 3)
    )
    awning = Stencil().polygon([(x - 42, y + 20), (x - 32, y - 8), (x + 32, y - 8), (x + 42, y + 20)])
    canvas.cut(awning, toned(colour, lightness=0.8), ink=Ink(_INK, 3), shadow=0.4)
    bars = Stencil().line([(x, y + 22), (x, y + 150)], 4).line([(x - 30, y + 84), (x + 30, y + 84)], 4)
    canvas.cut(bars, _INK)


def _sign(canvas: Canvas, x: float, y: float, colour: Colour, rng: random.Random) -> None:
    """Paint a hanging sign with an emblem and strokes that only look like writing."""
    glow(canvas, x, y + 70, 190, colour, 0.75)
    canvas.cut(Stencil().rectangle(x - 32, y, x + 32, y + 158), rgb("#120c36"), ink=Ink(colour, 4.5, 0), shadow=0.4)
    bright = mix(colour, (255, 255, 255), 0.6)
    canvas.cut(Stencil().polygon(spark(x, y + 34, 22)), bright)
    strokes = Stencil()
    for number in range(4):
        row = y + 72 + 22 * number
        strokes.line([(x - 18, row), (x + rng.uniform(-4, 18), row)], 6)
    canvas.cut(strokes, bright)


def _before(canvas: Canvas, rng: random.Random) -> None:
    cables = Stencil()
    for number in range(4):
        y = 20 + 34 * number
        cables.line([(-canvas.half, y), (-200, y + 70), (200, y + 66), (canvas.half, y - 10)], 2.6)
    canvas.cut(cables, _INK, opacity=0.8)
    for side in (-1, 1):
        x = side * (canvas.half - 66)
        glow(canvas, x - side * 46, 330, 230, rgb("#8ff1ff"), 0.7)
        post = Stencil().line([(x, 1000), (x, 330), (x - side * 50, 312)], 15).rectangle(x - 22, 900, x + 22, FLOOR)
        canvas.cut(post, rgb("#0d0a2c"), edges=(Edge(rgb("#4fd8ff"), -side * 5, 0, 0.8),))
        canvas.cut(Stencil().ellipse(x - side * 52, 330, 26, 15), rgb("#e6fdff"))
    corner_dots(canvas, _INK, opacity=0.3)
    vignette(canvas, rgb("#07041f"), 0.55)


SETTING = Setting(
    name="neon city",
    words=("neon city", "neon", "cyberpunk", "city", "metropolis", "downtown"),
    light=Light(tint=rgb("#e8b8ff"), rim=rgb("#5ff0ff"), bounce=rgb("#b06ad0"), shadow=rgb("#0a0630"), side=1),
    behind=_behind,
    before=_before,
)
