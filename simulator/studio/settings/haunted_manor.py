"""Haunted manor: a crooked house with lit windows under a full moon, graves, mist, bats."""

from __future__ import annotations

import random

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import mix, rgb
from simulator.studio.curves import Point, closed_curve
from simulator.studio.drawing.air import corner_dots, haze, sky, vignette, wisps
from simulator.studio.drawing.land import FLOOR, bumpy, down_to_floor, ground, path, ridge, tufts
from simulator.studio.drawing.light import disc, fireflies, glow, stars
from simulator.studio.drawing.plants import branching
from simulator.studio.drawing.stone import arch_points, lit_window, volume
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#0e0a22")
_WALL, _ROOF, _LIT = rgb("#4a3f73"), rgb("#2a2250"), rgb("#ffd45e")


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#1e0f3c")), (300, rgb("#5c307f")), (560, rgb("#9a6a8f")), (760, rgb("#bccf6a")))
    stars(canvas, rng, count=110, top=0, bottom=420, colour=rgb("#e6e9ff"))
    disc(canvas, 235, 290, 150, rgb("#f4f3cf"), rgb("#cfe6a8"))
    craters = Stencil()
    for dx, dy, size in ((-50, -30, 26), (40, 46, 34), (60, -56, 16), (-20, 66, 18)):
        craters.ellipse(235 + dx, 290 + dy, size, size * 0.9)
    canvas.cut(craters, rgb("#d5d6a6"), opacity=0.7)
    _cloud_bars(canvas, rng)
    ridge(canvas, 610, 90, rgb("#6a5484"), rng, cells=5)
    haze(canvas, rgb("#d0df8a"), 470, 780, 0.45)
    _hill(canvas)
    _manor(canvas, rng)
    _trees(canvas, rng)
    stops = ((730, rgb("#86a048")), (830, rgb("#52682e")), (1000, rgb("#1f2a1c")))
    ground(canvas, 752, stops, rng, ink=Ink(_INK, 3))
    path(canvas, 756, rgb("#8f93a0"), rng, width=280, edge=rgb("#5a5f78"))
    tufts(canvas, rgb("#3a4f24"), rng, count=70, top=768, bottom=940)
    _graves(canvas, rng)
    _pumpkin(canvas, -286, 874, 50)
    _pumpkin(canvas, 318, 862, 62)


def _cloud_bars(canvas: Canvas, rng: random.Random) -> None:
    for _ in range(9):
        x, y, half = rng.uniform(-canvas.half, canvas.half), rng.uniform(130, 460), rng.uniform(120, 260)
        bar = closed_curve(
            [
                (x - half, y),
                (x - half * 0.3, y - 16),
                (x + half * 0.3, y - 10),
                (x + half, y + 2),
                (x + half * 0.2, y + 14),
                (x - half * 0.4, y + 10),
            ],
            6,
        )
        canvas.cut(Stencil().polygon(bar), rgb("#3a1f5c"), opacity=0.55, blur=3)


def _hill(canvas: Canvas) -> None:
    line = [(float(x), 720 - 130 * max(0.0, 1 - ((x + 330) / 400) ** 2)) for x in range(-800, 801, 20)]
    canvas.cut(
        Stencil().polygon(down_to_floor(line)),
        rgb("#4a3f5c"),
        ink=Ink(_INK, 2.6),
        edges=(Edge(rgb("#7fae8a"), 0, 7, 0.8),),
    )


def _manor(canvas: Canvas, rng: random.Random) -> None:
    x, foot = -400.0, 650.0
    glow(canvas, x, 480, 380, rgb("#ffd98a"), 0.3)
    for dx, width, height, tilt in ((-170, 120, 300, -10), (170, 130, 260, 12), (0, 220, 330, 0), (70, 96, 450, 8)):
        _wing(canvas, x + dx, foot, width, height, tilt)
    for dx, low, size in (
        (-188, 480, 1.0),
        (-150, 580, 0.9),
        (-66, 460, 1.1),
        (8, 460, 1.1),
        (-66, 590, 1.1),
        (72, 300, 1.0),
        (150, 500, 0.9),
        (192, 590, 0.9),
    ):
        lit_window(
            canvas, x + dx, low, 30 * size, 62 * size, _LIT if rng.random() < 0.86 else rgb("#a8ff9a"), Ink(_INK, 3)
        )
    canvas.cut(Stencil().polygon(arch_points(x, foot + 4, 70, 110)), rgb("#ffb84a"), ink=Ink(_INK, 4))
    porch = Stencil().polygon([(x - 86, foot - 108), (x, foot - 160), (x + 86, foot - 108)])
    volume(canvas, porch, _ROOF, ink=Ink(_INK, 3.4), depth=18)
    posts = Stencil().line([(x - 70, foot - 108), (x - 70, foot)], 10).line([(x + 70, foot - 108), (x + 70, foot)], 10)
    canvas.cut(posts, mix(_WALL, (255, 255, 255), 0.15), ink=Ink(_INK, 2.6))


def _wing(canvas: Canvas, x: float, foot: float, width: float, height: float, tilt: float) -> None:
    """Paint one part of the house, leaning by `tilt`, under a steep roof with a spire."""
    half, top = width / 2, foot - height
    wall: list[Point] = [(x - half, foot), (x - half + tilt, top), (x + half + tilt, top), (x + half, foot)]
    volume(canvas, Stencil().polygon(wall), _WALL, ink=Ink(_INK, 3.8), depth=width * 0.24)
    roof: list[Point] = [
        (x - half * 1.3 + tilt, top + 10),
        (x - half * 0.34 + tilt, top - width * 0.56),
        (x + tilt * 1.6, top - width * 0.98),
        (x + half * 0.34 + tilt, top - width * 0.56),
        (x + half * 1.3 + tilt, top + 10),
    ]
    volume(canvas, Stencil().polygon(roof), _ROOF, ink=Ink(_INK, 3.8), depth=width * 0.2)
    canvas.cut(
        Stencil()
        .line([(x + tilt * 1.6, top - width * 0.9), (x + tilt * 1.7, top - width * 1.3)], 4)
        .ellipse(x + tilt * 1.7, top - width * 1.12, 6, 6),
        _INK,
    )


def _trees(canvas: Canvas, rng: random.Random) -> None:
    for x, size, colour in ((-690, 88, "#241c46"), (420, 84, "#2d2756"), (640, 112, "#1a1438")):
        shape = branching(x, 800, size * 1.35, -90 + rng.uniform(-8, 8), 6, rng, Stencil(), size * 0.42)
        canvas.cut(shape, rgb(colour), edges=(Edge(rgb("#6f7fb0"), -4, 4, 0.7),))


def _graves(canvas: Canvas, rng: random.Random) -> None:
    for side in (-1, 1):
        for number in range(4):
            x, foot = side * (300 + 104 * number + rng.uniform(-14, 14)), 806 + 26 * number
            tall, lean = rng.uniform(74, 112), rng.uniform(-9, 9)
            if number % 2:
                stone = Stencil().polygon(
                    [(px + (foot - py) / tall * lean, py) for px, py in arch_points(x, foot, 62, tall)]
                )
            else:
                stone = (
                    Stencil()
                    .rectangle(x - 12, foot - tall, x + 12, foot)
                    .rectangle(x - 36, foot - tall * 0.76, x + 36, foot - tall * 0.54)
                )
            volume(canvas, stone, rgb("#7f86a3"), ink=Ink(_INK, 3.6), depth=14, shadow=0.4)
            canvas.cut(Stencil().polygon(bumpy(x, foot + 6, 50, 13, rng)), rgb("#27483f"))


def _pumpkin(canvas: Canvas, x: float, foot: float, size: float) -> None:
    glow(canvas, x, foot - size * 0.6, size * 3, rgb("#ffae3f"), 0.75)
    body = Stencil().ellipse(x, foot - size * 0.66, size, size * 0.72)
    canvas.cut(
        body,
        rgb("#f08a2f"),
        ink=Ink(_INK, 3.8),
        edges=(Edge(rgb("#b3541f"), -size * 0.3, -size * 0.16), Edge(rgb("#ffc46b"), 5, 5)),
    )
    ribs = Stencil()
    for share in (0.42, 0.78):
        ribs.ellipse(x, foot - size * 0.66, size * share, size * 0.72).ellipse(
            x, foot - size * 0.66, size * share - 3, size * 0.69, hole=True
        )
    canvas.cut(ribs, rgb("#b3541f"), opacity=0.75)
    canvas.cut(
        Stencil().line([(x, foot - size * 1.3), (x + size * 0.14, foot - size * 1.66)], size * 0.17),
        rgb("#5f8a4a"),
        ink=Ink(_INK, 3),
    )
    _grin(canvas, x, foot, size)


_MOUTH = (
    (-0.62, -0.56), (-0.3, -0.44), (-0.2, -0.54), (0.0, -0.4), (0.2, -0.54), (0.3, -0.44),
    (0.62, -0.56), (0.34, -0.2), (0.1, -0.28), (-0.1, -0.2), (-0.34, -0.26),
)  # fmt: skip


def _grin(canvas: Canvas, x: float, foot: float, size: float) -> None:
    face = Stencil().polygon([(x + size * a, foot + size * b) for a, b in _MOUTH])
    for dx in (-0.42, 0.42):
        eye = ((dx - 0.2, -0.74), (dx, -1.06), (dx + 0.2, -0.74))
        face.polygon([(x + size * a, foot + size * b) for a, b in eye])
    canvas.cut(face, rgb("#fff08a"), ink=Ink(_INK, 2.4, 0))


def _before(canvas: Canvas, rng: random.Random) -> None:
    _bats(canvas, rng)
    wisps(canvas, rgb("#d6ec8c"), 640, 980, 0.62, rng)
    fireflies(canvas, rng, count=14, colour=rgb("#b8ff9a"), top=380, bottom=860)
    _fence(canvas)
    for side in (-1, 1):
        claw = branching(side * (canvas.half + 30), 40, 190, 180 - 26 if side > 0 else 26, 5, rng, Stencil(), 44)
        canvas.cut(claw, rgb("#0d0922"), edges=(Edge(rgb("#4a4f8a"), 3, -4, 0.7),), blur=1)
    corner_dots(canvas, _INK, opacity=0.28)
    vignette(canvas, rgb("#07051c"), 0.58)


def _bats(canvas: Canvas, rng: random.Random) -> None:
    bats = Stencil()
    shape = [
        (0, 0.12),
        (0.16, -0.16),
        (0.26, 0.02),
        (0.62, -0.34),
        (1, -0.2),
        (0.8, 0.02),
        (0.6, 0.02),
        (0.44, 0.2),
        (0.2, 0.16),
        (0, 0.36),
    ]
    for x, y, size in ((-150, 210, 44), (60, 150, 34), (440, 190, 40), (330, 390, 30), (520, 330, 26), (-260, 130, 28)):
        tilt = rng.uniform(-0.2, 0.2)
        wings = [*shape, *[(-a, b) for a, b in reversed(shape)]]
        bats.polygon([(x + size * a, y + size * (b + a * tilt)) for a, b in wings])
    canvas.cut(bats, _INK)


def _fence(canvas: Canvas) -> None:
    iron = Stencil()
    for side in (-1, 1):
        for number in range(6):
            x = side * (canvas.half - 20 - 62 * number)
            iron.line([(x, FLOOR), (x, 820 + 12 * number)], 9)
            iron.polygon([(x - 12, 824 + 12 * number), (x, 786 + 12 * number), (x + 12, 824 + 12 * number)])
        iron.line([(side * (canvas.half + 10), 856), (side * (canvas.half - 350), 920)], 9)
        iron.line([(side * (canvas.half + 10), 966), (side * (canvas.half - 350), 986)], 9)
    canvas.cut(iron, rgb("#120d2c"), edges=(Edge(rgb("#5f6aa0"), 3, 2, 0.8),))


SETTING = Setting(
    name="haunted manor",
    words=("haunted manor", "haunted", "manor", "spooky", "ghost", "graveyard", "halloween"),
    light=Light(tint=rgb("#dccbf2"), rim=rgb("#e6f5b8"), bounce=rgb("#8fb09a"), shadow=rgb("#0c0a24"), side=1),
    behind=_behind,
    before=_before,
)
