"""Desert ruins: a broken colonnade and a gate among dunes under a huge sun."""

from __future__ import annotations

import random

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import mix, rgb, toned
from simulator.studio.curves import Point, open_curve
from simulator.studio.drawing.air import corner_dots, haze, sky, vignette, wisps
from simulator.studio.drawing.land import FLOOR, ground, rock, tufts
from simulator.studio.drawing.light import disc, rays
from simulator.studio.drawing.stone import arch_points, bricks, column, volume
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#4a1f1c")
_STONE = rgb("#d99a62")


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#e2603f")), (300, rgb("#ff9c4f")), (560, rgb("#ffd98a")), (1000, rgb("#f2b56b")))
    disc(canvas, -90, 380, 190, rgb("#fff2bd"), rgb("#ffcf6b"))
    rays(canvas, -90, 380, rgb("#fff4c9"), rng, towards=(200, 340), count=12, opacity=0.2)
    _mesas(canvas, rng)
    haze(canvas, rgb("#ffdf9c"), 480, 740, 0.5)
    _dunes(canvas, rng)
    _gate(canvas, 0, 764, rng)
    _colonnades(canvas, rng)
    stops = ((740, rgb("#f7c67c")), (840, rgb("#dd9a55")), (1000, rgb("#8d4a35")))
    ground(canvas, 758, stops, rng, ink=Ink(_INK, 2.6))
    _ripples(canvas, rng)
    _rubble(canvas, rng)


def _mesas(canvas: Canvas, rng: random.Random) -> None:
    for x, top, half, colour in (
        (-560, 500, 170, "#c9694f"),
        (-330, 560, 110, "#d17d58"),
        (420, 470, 150, "#c0604c"),
        (660, 540, 150, "#cf7655"),
    ):
        shade = rgb(colour)
        outline: list[Point] = [
            (x - half * 1.5, 720),
            (x - half, top + 60),
            (x - half * 0.86, top),
            (x - half * 0.3, top - rng.uniform(0, 14)),
        ]
        outline += [(x + half * 0.5, top + 6), (x + half * 0.86, top - 8), (x + half, top + 70), (x + half * 1.5, 720)]
        canvas.cut(
            Stencil().polygon(outline),
            shade,
            edges=(Edge(toned(shade, lightness=0.8), -half * 0.5, 0), Edge(rgb("#ffcf94"), 4, 6, 0.7)),
        )
        bands = (
            Stencil()
            .line([(x - half, top + 74), (x + half, top + 80)], 7)
            .line([(x - half * 1.2, top + 120), (x + half * 1.2, top + 126)], 5)
        )
        canvas.cut(bands, toned(shade, lightness=0.78), opacity=0.7)


def _dunes(canvas: Canvas, rng: random.Random) -> None:
    for layer, colour in enumerate((rgb("#f2b468"), rgb("#e8a158"))):
        for number in range(3):
            x, top = -560 + 520 * number + rng.uniform(-90, 90) + 180 * layer, 640 + 44 * layer + rng.uniform(-16, 16)
            crest = open_curve([(x - 420, 790), (x - 180, top + 50), (x, top), (x + 90, top + 34), (x + 380, 790)], 10)
            canvas.cut(Stencil().polygon(crest), colour, edges=(Edge(rgb("#ffe0a0"), 0, 5, 0.7),))
            lee = open_curve([(x, top), (x + 40, top + 60), (x - 20, top + 110), (x + 60, 790)], 8)
            canvas.cut(
                Stencil().polygon([*lee, (x + 380, 790), (x + 90, top + 34)]),
                toned(colour, lightness=0.82),
                opacity=0.85,
            )


def _gate(canvas: Canvas, x: float, foot: float, rng: random.Random) -> None:
    stone = mix(_STONE, rgb("#ffd98a"), 0.25)
    wall = Stencil().rectangle(x - 270, 330, x + 270, foot).polygon(arch_points(x, foot + 4, 330, 380), hole=True)
    wall.polygon(
        [(x + 120, 320), (x + 160, 372), (x + 205, 350), (x + 236, 420), (x + 280, 400), (x + 280, 320)], hole=True
    )
    volume(canvas, wall, stone, ink=Ink(_INK, 4), depth=20)
    for side in (-1, 1):
        bricks(
            canvas,
            x + side * 220 - 46,
            430,
            x + side * 220 + 46,
            foot,
            toned(stone, lightness=0.8),
            rng,
            count=14,
            size=34,
        )
    cornice = Stencil().polygon([(x - 292, 326), (x + 128, 326), (x + 116, 364), (x - 282, 364)])
    volume(canvas, cornice, mix(stone, (255, 255, 255), 0.1), ink=Ink(_INK, 3.6), depth=14)
    frieze = Stencil()
    for number in range(9):
        frieze.polygon([(x - 262 + 42 * number, 404), (x - 244 + 42 * number, 378), (x - 226 + 42 * number, 404)])
    canvas.cut(frieze, rgb("#3f8f93"), ink=Ink(_INK, 2.2))


def _colonnades(canvas: Canvas, rng: random.Random) -> None:
    for side in (-1, 1):
        for number in range(3):
            x = side * (380 + 132 * number)
            height = 330 + 30 * number
            broken = (number + (side > 0)) % 2 == 0
            tall = height * rng.uniform(0.5, 0.75) if broken else height
            column(
                canvas,
                x,
                790 + 18 * number,
                70 + 14 * number,
                tall,
                mix(_STONE, rgb("#b86f52"), 0.2 * number),
                ink=Ink(_INK, 3.6),
                broken=broken,
            )


def _ripples(canvas: Canvas, rng: random.Random) -> None:
    lines = Stencil()
    for _ in range(46):
        y = rng.uniform(790, 990)
        near = (y - 700) / 250
        x, half = rng.uniform(-canvas.half, canvas.half), rng.uniform(40, 110) * near
        lines.line(
            open_curve(
                [(x - half, y), (x - half * 0.3, y - 5 * near), (x + half * 0.3, y + 2), (x + half, y - 4 * near)], 5
            ),
            2.6 * near,
        )
    canvas.cut(lines, rgb("#b3703f"), opacity=0.65)


def _rubble(canvas: Canvas, rng: random.Random) -> None:
    for side in (-1, 1):
        for _ in range(5):
            x, y = side * rng.uniform(270, 640), rng.uniform(800, 905)
            rock(
                canvas,
                x,
                y,
                rng.uniform(40, 96),
                rng.uniform(26, 60),
                mix(_STONE, rgb("#a8623f"), 0.3),
                rng,
                Ink(_INK, 3),
            )
    tufts(canvas, rgb("#9a7a3c"), rng, count=22, top=800, bottom=930, size=34)


def _before(canvas: Canvas, rng: random.Random) -> None:
    wisps(canvas, rgb("#ffe3ab"), 640, 960, 0.45, rng)
    dark = rgb("#7a3d31")
    column(canvas, -canvas.half + 80, FLOOR, 150, 430, dark, ink=Ink(_INK, 4.5), broken=True)
    rock(canvas, canvas.half - 60, FLOOR + 8, 340, 170, dark, rng, Ink(_INK, 4.5))
    tufts(canvas, rgb("#5a2f2a"), rng, count=16, top=985, bottom=1012, size=60)
    corner_dots(canvas, _INK, opacity=0.24)
    vignette(canvas, rgb("#5a1f1a"), 0.45)


SETTING = Setting(
    name="desert ruins",
    words=("desert ruins", "desert", "ruins", "dunes", "sahara", "egypt"),
    light=Light(tint=rgb("#ffdcae"), rim=rgb("#fff0b8"), bounce=rgb("#e0a06a"), shadow=rgb("#5a2418"), side=-1),
    behind=_behind,
    before=_before,
)
