"""Jungle temple: a stepped pyramid in green mist, waterfalls, stone faces, huge leaves."""

from __future__ import annotations

import math
import random

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, rgb, toned
from simulator.studio.curves import Point, open_curve
from simulator.studio.drawing.air import corner_dots, haze, sky, vignette, wisps
from simulator.studio.drawing.land import ground, path, ridge, tufts
from simulator.studio.drawing.light import fireflies, glow, rays
from simulator.studio.drawing.plants import foliage, leaf_outline
from simulator.studio.drawing.stone import arch_points, bricks, volume
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#10241a")
_STONE, _MOSS = rgb("#a9a583"), rgb("#6d9a4a")


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#e2a04a")), (330, rgb("#ffd07a")), (620, rgb("#fff3b8")), (1000, rgb("#8aa04a")))
    glow(canvas, 160, 190, 560, rgb("#fffbd0"), 0.7)
    for layer, colour in enumerate((rgb("#cfc46a"), rgb("#9fae58"))):
        ridge(canvas, 430 + 70 * layer, 150, colour, rng, cells=3, rim=mix(colour, (255, 255, 220), 0.4))
        haze(canvas, rgb("#fff0b8"), 380, 760, 0.35)
    _falls(canvas, -470)
    _falls(canvas, 520)
    _pyramid(canvas, rng)
    rays(canvas, 330, -180, rgb("#fffcd6"), rng, towards=(92, 142), count=8, opacity=0.26)
    _trees(canvas, rng)
    stops = ((740, rgb("#c4bf52")), (840, rgb("#8a8f3a")), (1000, rgb("#3f4a24")))
    ground(canvas, 752, stops, rng, ink=Ink(_INK, 2.6))
    path(canvas, 756, rgb("#b9b38e"), rng, width=290, edge=rgb("#7f7d5c"))
    _slabs(canvas, rng)
    tufts(canvas, rgb("#5f7030"), rng, count=70, top=766, bottom=940, size=34)
    for side in (-1, 1):
        _idol(canvas, side * 400, 842, rng)


def _falls(canvas: Canvas, x: float) -> None:
    cliff: list[Point] = [(x - 150, 250), (x - 60, 232), (x + 60, 240), (x + 150, 262), (x + 180, 780), (x - 180, 780)]
    canvas.cut(
        Stencil().polygon(cliff),
        rgb("#8a7a4c"),
        edges=(Edge(rgb("#665a3a"), -40, 0), Edge(rgb("#a9b84a"), 0, 12)),
        shadow=0.2,
    )
    water = Stencil().polygon([(x - 34, 236), (x + 36, 238), (x + 52, 770), (x - 50, 770)])
    canvas.cut(water, rgb("#dff8f4"), edges=(Edge(rgb("#96d6dc"), -20, 0),))
    streaks = Stencil()
    for dx in (-26, -10, 8, 24):
        streaks.line([(x + dx, 262), (x + dx * 1.4, 740)], 3.4)
    canvas.cut(streaks, rgb("#8fd0d8"))
    glow(canvas, x, 740, 170, (255, 255, 255), 0.55)


def _pyramid(canvas: Canvas, rng: random.Random) -> None:
    glow(canvas, 0, 300, 420, rgb("#fff6b8"), 0.5)
    steps = 6
    for number in range(steps):
        t = number / steps
        half, top = 410 - 300 * t, 760 - 430 * (number + 1) / steps
        tier = Stencil().polygon([(-half - 16, top + 74), (-half + 10, top), (half - 10, top), (half + 16, top + 74)])
        volume(canvas, tier, mix(_STONE, rgb("#d8d3a6"), t * 0.6), ink=Ink(_INK, 3.4), depth=half * 0.2)
        bricks(canvas, -half, top + 12, half, top + 70, rgb("#7d7a5e"), rng, count=14, size=36)
        canvas.cut(Stencil().polygon(_moss_edge(half, top, rng)), _MOSS, edges=(Edge(rgb("#a7cc66"), 0, 4),))
    stairs = Stencil().polygon([(-72, 338), (72, 338), (132, 768), (-132, 768)])
    volume(canvas, stairs, rgb("#c9c39a"), ink=Ink(_INK, 3.6), depth=24)
    treads = Stencil()
    for number in range(16):
        y = 352 + 420 * (number / 16) ** 1.1
        half = 74 + 58 * (y - 338) / 430
        treads.line([(-half, y), (half, y)], 3.4)
    canvas.cut(treads, rgb("#77734f"))
    house = Stencil().rectangle(-104, 212, 104, 334).polygon([(-126, 214), (-92, 170), (92, 170), (126, 214)])
    volume(canvas, house, rgb("#cfc9a0"), ink=Ink(_INK, 3.8), depth=30)
    glow(canvas, 0, 290, 150, rgb("#ffcf5e"), 0.9)
    canvas.cut(Stencil().polygon(arch_points(0, 334, 74, 98)), rgb("#ffdf86"), ink=Ink(_INK, 3.4))


def _moss_edge(half: float, top: float, rng: random.Random) -> list[Point]:
    points: list[Point] = [(-half + 8, top - 3), (half - 8, top - 3)]
    count = 26
    for number in range(count + 1):
        share = 1 - number / count
        drop = (26 if number % 2 else 6) * rng.uniform(0.4, 1.2)
        points.append((-half + 8 + (2 * half - 16) * share, top + drop))
    return points


def _trees(canvas: Canvas, rng: random.Random) -> None:
    for layer, colour in enumerate((rgb("#8fa03c"), rgb("#5f8034"), rgb("#3a5f2c"))):
        for side in (-1, 1):
            for number in range(3):
                x = side * (430 + 120 * number + 40 * layer)
                y = 620 - 120 * number * (0.7 + 0.3 * layer) + 46 * layer
                foliage(
                    canvas,
                    x,
                    y,
                    130,
                    120,
                    colour,
                    rng,
                    ink=Ink(_INK, 2.4) if layer == 2 else None,
                    light=mix(colour, rgb("#d7ee7a"), 0.34),
                )


def _slabs(canvas: Canvas, rng: random.Random) -> None:
    slabs = Stencil()
    for number in range(7):
        t = number / 6
        y, half = 776 + 200 * t**1.2, 16 + 42 * t
        for side in (-1, 1):
            x = side * (half * 0.9 + 50 * t * rng.uniform(0.6, 1.6))
            slabs.ellipse(x, y, half, half * 0.28)
    canvas.cut(slabs, rgb("#d6d0aa"), ink=Ink(rgb("#5f5c42"), 2.6), edges=(Edge(rgb("#8f8b69"), -4, -4),))


def _idol(canvas: Canvas, x: float, foot: float, rng: random.Random) -> None:
    block: list[Point] = [
        (x - 66, foot),
        (x - 72, foot - 150),
        (x - 52, foot - 206),
        (x + 52, foot - 206),
        (x + 72, foot - 150),
        (x + 66, foot),
    ]
    volume(canvas, Stencil().polygon(block), rgb("#9fa085"), ink=Ink(_INK, 4), depth=26, shadow=0.4)
    _idol_face(canvas, x, foot)
    crown = [
        (x - 60, foot - 196),
        (x - 30, foot - 216),
        (x, foot - 204),
        (x + 30, foot - 220),
        (x + 60, foot - 196),
        (x + 40, foot - 182),
        (x, foot - 188),
        (x - 40, foot - 178),
    ]
    canvas.cut(Stencil().polygon(crown), _MOSS, ink=Ink(_INK, 2.4))


def _idol_face(canvas: Canvas, x: float, foot: float) -> None:
    face = Stencil().rectangle(x - 50, foot - 158, x - 12, foot - 136).rectangle(x + 8, foot - 158, x + 46, foot - 136)
    face.polygon([(x - 12, foot - 130), (x + 10, foot - 130), (x + 18, foot - 84), (x - 20, foot - 84)]).rectangle(
        x - 42, foot - 62, x + 38, foot - 38
    )
    canvas.cut(face, rgb("#55573f"), edges=(Edge(rgb("#34361f"), 0, 5),))
    for dx in (-31, 27):
        canvas.cut(Stencil().ellipse(x + dx, foot - 147, 8, 8), rgb("#ffcf5e"))
        glow(canvas, x + dx, foot - 147, 34, rgb("#ffb53f"), 0.8)


def _before(canvas: Canvas, rng: random.Random) -> None:
    wisps(canvas, rgb("#f2fbd6"), 620, 900, 0.42, rng)
    fireflies(canvas, rng, count=16, colour=rgb("#fff3a0"), top=300, bottom=850)
    _vines(canvas, rng)
    for side in (-1, 1):
        for number, degrees in enumerate((-86, -62, -38, -14)):
            turn = degrees if side < 0 else -180 - degrees
            _big_leaf(
                canvas,
                side * (canvas.half - 4),
                1010 - 20 * number,
                330 - 26 * number,
                turn,
                mix(rgb("#0f3a2a"), rgb("#2d7a45"), number / 4),
            )
    corner_dots(canvas, _INK)
    vignette(canvas, rgb("#06231a"), 0.5)


def _big_leaf(canvas: Canvas, x: float, y: float, length: float, degrees: float, colour: Colour) -> None:
    canvas.cut(
        Stencil().polygon(leaf_outline(x, y, length, degrees, fat=0.22)),
        colour,
        ink=Ink(_INK, 3),
        edges=(Edge(mix(colour, rgb("#a9e06b"), 0.4), 4, 6, 0.8),),
        shadow=0.4,
    )
    angle = math.radians(degrees)
    vein = Stencil().line([(x, y), (x + 0.92 * length * math.cos(angle), y + 0.92 * length * math.sin(angle))], 4)
    canvas.cut(vein, toned(colour, lightness=1.5), opacity=0.8)


def _vines(canvas: Canvas, rng: random.Random) -> None:
    vines = Stencil()
    for side in (-1, 1):
        for _ in range(4):
            x = side * rng.uniform(330, canvas.half)
            low = rng.uniform(150, 330)
            line = open_curve([(x, -20), (x + 14, low * 0.5), (x - 6, low)], 8)
            vines.line(line, 6)
            for at in line[4::4]:
                vines.polygon(leaf_outline(*at, 34, rng.choice((30, 150)), fat=0.3))
    canvas.cut(vines, rgb("#1b5a3a"), edges=(Edge(rgb("#6fb35a"), 3, 2, 0.8),))
    canopy = Stencil()
    for number in range(26):
        x = -canvas.half + 2 * canvas.half * number / 25
        canopy.polygon(
            leaf_outline(x, -30, rng.uniform(70, 130) + 60 * abs(x) / canvas.half, 90 + rng.uniform(-30, 30), fat=0.3)
        )
    canvas.cut(canopy, rgb("#123f2d"), edges=(Edge(rgb("#3f8a4f"), 4, -5, 0.7),))


SETTING = Setting(
    name="jungle temple",
    words=("jungle temple", "jungle", "temple", "rainforest", "lost city"),
    light=Light(tint=rgb("#fff0c0"), rim=rgb("#fff8c0"), bounce=rgb("#c9bf7a"), shadow=rgb("#12301f"), side=1),
    behind=_behind,
    before=_before,
)
