"""Pirate cove: a ship at anchor between cliffs at sunset, palms, a chest on the beach."""

from __future__ import annotations

import random

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, rgb, toned
from simulator.studio.curves import Point, closed_curve, open_curve
from simulator.studio.drawing.air import corner_dots, haze, sky, vignette
from simulator.studio.drawing.land import FLOOR, cloud, rock, textured
from simulator.studio.drawing.light import disc, glow, spark
from simulator.studio.drawing.palms import palm
from simulator.studio.drawing.stone import volume
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#2a1430")
_HORIZON = 560.0
_WOOD = rgb("#8a4f32")


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#3b4fa0")), (260, rgb("#d977a0")), (470, rgb("#ffb36b")), (570, rgb("#ffe9a3")))
    disc(canvas, 250, 470, 92, rgb("#fff3c4"), rgb("#ffb45e"))
    for x, y, width in ((-520, 230, 330), (460, 190, 380), (-140, 150, 260), (640, 330, 240)):
        cloud(canvas, x, y, width, rng, colour=rgb("#ffcfae"), shade=rgb("#d9809c"), opacity=0.92)
    _sea(canvas, rng)
    _ship(canvas, -395, 640)
    _cliffs(canvas, rng)
    _beach(canvas, rng)
    _treasure(canvas, 330, 850)
    _barrel(canvas, -360, 872)


def _sea(canvas: Canvas, rng: random.Random) -> None:
    stops = ((_HORIZON, rgb("#ffc88a")), (610, rgb("#4fb9b5")), (720, rgb("#1f8fa3")), (1000, rgb("#15708f")))
    area = Stencil().rectangle(-canvas.half, _HORIZON, canvas.half, FLOOR)
    canvas.cut(area, textured(canvas, stops, rng, grain=0.4))
    glints = Stencil()
    for _ in range(90):
        y = _HORIZON + 4 + 190 * rng.random() ** 1.6
        x = 250 + rng.gauss(0, 70 + (y - _HORIZON) * 1.3)
        half = rng.uniform(8, 34) * (0.4 + (y - _HORIZON) / 160)
        glints.polygon([(x - half, y), (x, y - 1.8), (x + half, y), (x, y + 1.8)])
    canvas.cut(glints, rgb("#fff6cf"), opacity=0.85)


def _ship(canvas: Canvas, x: float, y: float) -> None:
    glow(canvas, x, y - 80, 330, rgb("#ffc27a"), 0.35)
    _rigging(canvas, x, y)
    _hull(canvas, x, y)
    flag = [(x + 10, y - 412), (x + 84, y - 402), (x + 72, y - 384), (x + 84, y - 366), (x + 10, y - 372)]
    canvas.cut(Stencil().polygon(flag), rgb("#2b2233"), ink=Ink(_INK, 2))
    canvas.cut(Stencil().polygon(spark(x + 42, y - 389, 12)), (255, 248, 230))


def _rigging(canvas: Canvas, x: float, y: float) -> None:
    masts = Stencil()
    for dx, tall in ((-96, 300), (10, 370), (112, 270)):
        masts.line([(x + dx, y - 40), (x + dx, y - 40 - tall)], 9)
    masts.line([(x + 150, y - 60), (x + 250, y - 120)], 7)
    canvas.cut(masts, rgb("#5a3226"), ink=Ink(_INK, 2.4))
    for dx, top, wide, tall in (
        (-96, 250, 96, 92),
        (-96, 150, 112, 88),
        (10, 330, 96, 84),
        (10, 238, 124, 104),
        (10, 122, 138, 74),
        (112, 224, 86, 86),
        (112, 130, 98, 74),
    ):
        _sail(canvas, x + dx, y - 40 - top, wide, tall)


def _hull(canvas: Canvas, x: float, y: float) -> None:
    hull: list[Point] = [
        (-190, -96),
        (-176, -64),
        (-110, -52),
        (70, -50),
        (150, -72),
        (190, -74),
        (168, -14),
        (140, 24),
        (-140, 24),
        (-176, -22),
    ]
    volume(canvas, Stencil().polygon([(x + a, y + b) for a, b in hull]), _WOOD, ink=Ink(_INK, 4), depth=30)
    trims = Stencil().line([(x - 176, y - 40), (x, y - 30), (x + 174, y - 50)], 8)
    canvas.cut(trims, rgb("#e8b04f"), ink=Ink(_INK, 2))
    ports = Stencil()
    for number in range(6):
        ports.rectangle(x - 126 + 46 * number, y - 14, x - 104 + 46 * number, y + 6)
    canvas.cut(ports, rgb("#ffd67a"), ink=Ink(_INK, 2.4))


def _sail(canvas: Canvas, x: float, y: float, wide: float, tall: float) -> None:
    half = wide / 2
    outline: list[Point] = [(x - half, y), (x + half, y), (x + half * 1.12, y + tall * 0.55), (x + half, y + tall)]
    outline += [
        (x + half * 0.4, y + tall * 0.9),
        (x - half * 0.4, y + tall * 0.9),
        (x - half, y + tall),
        (x - half * 0.86, y + tall * 0.5),
    ]
    canvas.cut(
        Stencil().polygon(outline), rgb("#fdebcb"), ink=Ink(_INK, 2.8), edges=(Edge(rgb("#d9a88a"), -wide * 0.24, -6),)
    )


def _cliffs(canvas: Canvas, rng: random.Random) -> None:
    haze(canvas, rgb("#ffd9a3"), 420, 700, 0.35)
    for side, colour in ((-1, rgb("#6b4468")), (1, rgb("#5a3a63"))):
        edge = canvas.half + 20
        line: list[Point] = [
            (side * edge, 120),
            (side * (edge - 90), 150),
            (side * (edge - 150), 260),
            (side * (edge - 230), 330),
        ]
        line += [(side * (edge - 250), 470), (side * (edge - 330), 560), (side * (edge - 350), 700), (side * edge, 760)]
        jagged = [(px + rng.uniform(-12, 12), py + rng.uniform(-10, 10)) for px, py in line]
        edges = (Edge(toned(colour, lightness=0.7), -34, -20), Edge(rgb("#ffb98a"), 7 if side > 0 else -7, 5, 0.85))
        canvas.cut(Stencil().polygon(jagged), colour, ink=Ink(_INK, 4), edges=edges, shadow=0.4)
        cracks = Stencil()
        for _ in range(7):
            cx, cy = side * rng.uniform(edge - 200, edge - 30), rng.uniform(330, 660)
            cracks.line([(cx, cy), (cx - side * 20, cy + 40), (cx - side * 8, cy + 80)], 3)
        canvas.cut(cracks, toned(colour, lightness=0.6))


def _beach(canvas: Canvas, rng: random.Random) -> None:
    shore: list[Point] = [(-800, 716), (-480, 742), (-200, 734), (60, 748), (330, 730), (800, 690)]
    foam = open_curve([(x, y - 12) for x, y in shore], 12)
    canvas.cut(Stencil().polygon([*foam, (800, FLOOR), (-800, FLOOR)]), rgb("#eafff4"), opacity=0.9)
    stops = ((700, rgb("#ffe2a6")), (820, rgb("#eab676")), (1000, rgb("#9c6450")))
    sand = Stencil().polygon([*open_curve(shore, 12), (800, FLOOR), (-800, FLOOR)])
    canvas.cut(sand, textured(canvas, stops, rng, grain=0.2), edges=(Edge(rgb("#c99a6b"), 0, 9, 0.7),))
    specks = Stencil()
    for _ in range(90):
        x, y, size = rng.uniform(-canvas.half, canvas.half), rng.uniform(770, 990), rng.uniform(1, 3.4)
        specks.ellipse(x, y, size * 1.7, size)
    canvas.cut(specks, rgb("#b5835a"))
    palm(canvas, -590, 800, 560, 120, rng, wood=rgb("#8f5f44"), leaves=rgb("#2f8f6b"), ink=Ink(_INK, 3))
    palm(canvas, 610, 780, 470, -90, rng, wood=rgb("#8f5f44"), leaves=rgb("#38a072"), ink=Ink(_INK, 3))


def _treasure(canvas: Canvas, x: float, y: float) -> None:
    glow(canvas, x, y - 80, 190, rgb("#ffe27a"), 0.75)
    lid = closed_curve([(x - 92, y - 84), (x - 80, y - 146), (x, y - 164), (x + 80, y - 146), (x + 92, y - 84)], 6)
    volume(canvas, Stencil().polygon(lid), toned(_WOOD, lightness=0.8), ink=Ink(_INK, 4), depth=20)
    coins = Stencil()
    for number in range(13):
        coins.ellipse(x - 72 + 12 * number, y - 84 - 16 * (1 - abs(number - 6) / 6), 14, 12)
    canvas.cut(coins, rgb("#ffd24a"), ink=Ink(_INK, 2.4), edges=(Edge(rgb("#fff3b0"), 3, 3),))
    volume(canvas, Stencil().rectangle(x - 92, y - 82, x + 92, y), _WOOD, ink=Ink(_INK, 4), depth=24)
    bands = (
        Stencil()
        .rectangle(x - 66, y - 82, x - 50, y)
        .rectangle(x + 50, y - 82, x + 66, y)
        .rectangle(x - 15, y - 88, x + 15, y - 50)
    )
    canvas.cut(bands, rgb("#e8b04f"), ink=Ink(_INK, 2.6))
    loose = Stencil()
    for dx in (-128, -112, 110, 132, 150):
        loose.ellipse(x + dx, y + 4, 13, 7)
    canvas.cut(loose, rgb("#ffd24a"), ink=Ink(_INK, 2.4))


def _barrel(canvas: Canvas, x: float, y: float) -> None:
    body = closed_curve(
        [(x - 48, y), (x - 62, y - 66), (x - 48, y - 132), (x + 48, y - 132), (x + 62, y - 66), (x + 48, y)], 6
    )
    volume(canvas, Stencil().polygon(body), _WOOD, ink=Ink(_INK, 4), depth=26)
    for offset in (26, 104):
        canvas.cut(
            Stencil().line([(x - 58, y - offset), (x, y - offset + 6), (x + 58, y - offset)], 10),
            rgb("#6c6f80"),
            ink=Ink(_INK, 2.4),
        )


def _before(canvas: Canvas, rng: random.Random) -> None:
    gulls = Stencil()
    for x, y, size in ((-180, 240, 26), (-250, 280, 18), (330, 290, 22), (420, 250, 16)):
        gulls.line(
            open_curve(
                [
                    (x - size, y - size * 0.3),
                    (x - size * 0.45, y - size * 0.5),
                    (x, y),
                    (x + size * 0.45, y - size * 0.5),
                    (x + size, y - size * 0.3),
                ],
                5,
            ),
            4,
        )
    canvas.cut(gulls, _INK)
    _foreground(canvas, rng, rgb("#3a2038"))
    corner_dots(canvas, _INK)
    vignette(canvas, rgb("#240f33"), 0.5)


def _foreground(canvas: Canvas, rng: random.Random, dark: Colour) -> None:
    for side in (-1, 1):
        rock(canvas, side * (canvas.half - 40), 1018, 300, 150, mix(dark, (140, 90, 110), 0.2), rng, Ink(_INK, 3))
        rock(canvas, side * (canvas.half - 230), 1022, 180, 74, dark, rng, Ink(_INK, 3))


SETTING = Setting(
    name="pirate cove",
    words=("pirate cove", "pirate", "treasure island", "cove", "beach"),
    light=Light(tint=rgb("#ffd9b5"), rim=rgb("#ffe0a0"), bounce=rgb("#d9a27c"), shadow=rgb("#3a1c2c"), side=1),
    behind=_behind,
    before=_before,
)
