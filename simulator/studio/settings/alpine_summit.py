"""Alpine summit: sharp white peaks over a sea of cloud, clear cold light, a flag in the wind."""

from __future__ import annotations

import random
from collections.abc import Iterator

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, rgb
from simulator.studio.curves import Point, open_curve
from simulator.studio.drawing.air import corner_dots, haze, sky, vignette, wisps
from simulator.studio.drawing.land import FLOOR, cloud, ground, rock
from simulator.studio.drawing.light import disc, rays
from simulator.studio.drawing.plants import pines
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#15294a")
_SNOW = rgb("#f3f8ff")


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#1b66b8")), (330, rgb("#63b6e8")), (640, rgb("#d6f0fa")), (1000, rgb("#ffffff")))
    disc(canvas, -420, 200, 62, rgb("#fffbe0"), rgb("#fff2b8"))
    rays(canvas, -420, 200, rgb("#ffffff"), rng, towards=(5, 80), count=7, opacity=0.16)
    for x, y, width in ((360, 190, 300), (620, 270, 260), (-160, 150, 220)):
        cloud(canvas, x, y, width, rng, colour=(255, 255, 255), shade=rgb("#bcdcf2"), opacity=0.9)
    _range(canvas, rng)
    _cloud_sea(canvas, rng)
    _forest(canvas, rng)
    stops = ((700, rgb("#ffffff")), (820, rgb("#dcebfa")), (1000, rgb("#8fb6dd")))
    ground(canvas, 742, stops, rng, ink=Ink(_INK, 3), swell=16)
    _drifts(canvas, rng)
    _flag(canvas, 300, 838)
    for side in (-1, 1):
        rock(canvas, side * 470, 820, 150, 84, rgb("#5d7396"), rng, Ink(_INK, 3.4))


def _range(canvas: Canvas, rng: random.Random) -> None:
    far = ((-690, 420), (-470, 360), (-250, 400), (40, 380), (260, 350), (520, 410), (720, 370))
    for x, top in far:
        _peak(canvas, x, top, 300, rgb("#9dc4e6"), rgb("#e9f5ff"), rng, None)
    haze(canvas, rgb("#e4f5ff"), 380, 760, 0.5)
    for x, top, half in ((-540, 250, 330), (500, 210, 360), (-170, 400, 230), (180, 420, 220)):
        _peak(canvas, x, top, half, rgb("#55779f"), _SNOW, rng, Ink(_INK, 3.4))


def _peak(
    canvas: Canvas, x: float, top: float, half: float, stone: Colour, snow: Colour, rng: random.Random, ink: Ink | None
) -> None:
    """Paint one mountain: a lit face, a face in shade, and snow that runs down in tongues."""
    foot = 780.0
    ridge: list[Point] = [
        (x, top),
        (x + half * 0.1, top + (foot - top) * 0.3),
        (x - half * 0.04, top + (foot - top) * 0.6),
        (x + half * 0.14, foot),
    ]
    outline: list[Point] = [
        (x, top),
        (x + half * 0.34, top + (foot - top) * 0.3),
        (x + half * 0.52, top + (foot - top) * 0.52),
        (x + half, foot),
        (x - half, foot),
    ]
    outline += [(x - half * 0.6, top + (foot - top) * 0.58), (x - half * 0.28, top + (foot - top) * 0.24)]
    canvas.cut(Stencil().polygon(outline), stone, ink=ink, shadow=0.2)
    depth = (foot - top) * 0.62
    lit = [(x, top), (x - half * 0.28, top + (foot - top) * 0.24), *_tongues(x, top, half, depth, rng)]
    canvas.cut(Stencil().polygon([*lit, *reversed(ridge[:3])]), snow)
    shade: list[Point] = [(x, top), (x + half * 0.34, top + (foot - top) * 0.3), *_shaded(x, top, half, depth, rng)]
    canvas.cut(Stencil().polygon([*shade, *reversed(ridge[:2])]), mix(snow, rgb("#6f9bd0"), 0.5))


def _tongues(x: float, top: float, half: float, depth: float, rng: random.Random) -> Iterator[Point]:
    """Yield the lower edge of the lit snow, from left to right."""
    tongues = 7
    for number in range(tongues + 1):
        share = number / tongues
        px = x - half * 0.5 * (1 - share) + half * 0.06 * share
        py = top + depth * (0.82 - 0.2 * share) * (1.0 if number % 2 else 0.66) * rng.uniform(0.9, 1.1)
        yield px, max(py, top + depth * 0.5 * (1 - share))


def _shaded(x: float, top: float, half: float, depth: float, rng: random.Random) -> Iterator[Point]:
    """Yield the lower edge of the snow in shade, from right to left."""
    for number in range(5):
        share = number / 4
        yield x + half * (0.42 - 0.34 * share), top + depth * (0.56 if number % 2 else 0.86) * rng.uniform(0.92, 1.06)


def _cloud_sea(canvas: Canvas, rng: random.Random) -> None:
    for layer in range(3):
        y = 630 + 50 * layer
        for number in range(6):
            x = -canvas.half + 2 * canvas.half * (number + rng.uniform(0.1, 0.9)) / 6
            shade = mix(rgb("#a9cdea"), rgb("#d4e8f7"), layer / 2)
            cloud(canvas, x, y, rng.uniform(320, 470), rng, colour=(255, 255, 255), shade=shade, opacity=0.93)


def _forest(canvas: Canvas, rng: random.Random) -> None:
    for layer, colour in enumerate((rgb("#3f6f8c"), rgb("#234f6b"))):
        places = []
        for side in (-1, 1):
            for number in range(8 - layer):
                x = side * (330 + 58 * number + rng.uniform(-20, 20) + 24 * layer)
                places.append((x, 762 + 34 * layer, rng.uniform(110, 190) + 44 * layer))
        pines(canvas, places, colour, rng, ink=Ink(_INK, 2.6) if layer else None, snow=rgb("#e6f2ff"))


def _drifts(canvas: Canvas, rng: random.Random) -> None:
    curves = Stencil()
    for _ in range(22):
        x, y, half = rng.uniform(-canvas.half, canvas.half), rng.uniform(770, 985), rng.uniform(40, 120)
        curves.line(open_curve([(x - half, y), (x - half * 0.2, y - 7), (x + half, y + 4)], 6), 3.6)
    canvas.cut(curves, rgb("#a5c6e6"), opacity=0.75)
    steps = Stencil()
    for number in range(8):
        t = number / 8
        steps.ellipse(-210 + 190 * t + (10 if number % 2 else -10), 768 + 92 * t, 6 + 7 * t, 3 + 3 * t)
    canvas.cut(steps, rgb("#9dbfe2"))


def _flag(canvas: Canvas, x: float, y: float) -> None:
    canvas.cut(Stencil().line([(x, y), (x, y - 320)], 9), rgb("#7a4f3a"), ink=Ink(_INK, 3))
    cloth = open_curve([(x + 5, y - 316), (x + 60, y - 332), (x + 110, y - 306), (x + 168, y - 318)], 8)
    low = open_curve([(x + 168, y - 226), (x + 110, y - 214), (x + 60, y - 240), (x + 5, y - 224)], 8)
    canvas.cut(
        Stencil().polygon([*cloth, *low]), rgb("#e8413c"), ink=Ink(_INK, 3.4), edges=(Edge(rgb("#a82430"), -26, -16),)
    )
    canvas.cut(Stencil().polygon([(x + 48, y - 246), (x + 82, y - 300), (x + 116, y - 246)]), (255, 255, 255))
    for dx in (-22, -4, 16):
        canvas.cut(Stencil().ellipse(x + dx, y - 4, 19, 14), rgb("#6c7f9c"), ink=Ink(_INK, 2.6))


def _before(canvas: Canvas, rng: random.Random) -> None:
    wisps(canvas, (255, 255, 255), 600, 900, 0.5, rng)
    flakes = Stencil()
    for _ in range(110):
        x, y, size = rng.uniform(-canvas.half, canvas.half), rng.uniform(0, 1000), rng.uniform(1.4, 5)
        if abs(x) > 180 or y > 620:
            flakes.ellipse(x, y, size, size)
    canvas.cut(flakes, (255, 255, 255), opacity=0.9)
    for side in (-1, 1):
        x = side * (canvas.half - 50)
        rock(canvas, x, 1015, 330, 190, rgb("#38507a"), rng, Ink(_INK, 4))
        cap = open_curve([(x - 150, 900), (x - 70, 850), (x + 20, 846), (x + 140, 880), (x + 170, 930)], 8)
        canvas.cut(Stencil().polygon([*cap, (x + 60, 900), (x - 30, 890)]), _SNOW, ink=Ink(_INK, 3))
    snow = Stencil().polygon(
        [(-canvas.half, FLOOR), (-canvas.half, 950), (-420, 985), (420, 990), (canvas.half, 945), (canvas.half, FLOOR)]
    )
    canvas.cut(snow, _SNOW, blur=5, opacity=0.9)
    corner_dots(canvas, rgb("#1d4c86"), opacity=0.22)
    vignette(canvas, rgb("#0f2f66"), 0.4)


SETTING = Setting(
    name="alpine summit",
    words=("alpine summit", "alpine", "summit", "mountain", "snowy peak"),
    light=Light(
        tint=rgb("#e3f0ff"), rim=rgb("#ffffff"), bounce=rgb("#c3d8f0"), shadow=rgb("#2b4c80"), strength=0.4, side=-1
    ),
    behind=_behind,
    before=_before,
)
