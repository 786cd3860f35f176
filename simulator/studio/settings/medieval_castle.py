"""Medieval castle: towers and banners on a hill, fields and a road in afternoon light."""

from __future__ import annotations

import random

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import mix, rgb
from simulator.studio.drawing.air import corner_dots, haze, sky, vignette
from simulator.studio.drawing.land import bumpy, cloud, down_to_floor, ground, path, ridge, tufts
from simulator.studio.drawing.light import disc, rays
from simulator.studio.drawing.plants import foliage, pines
from simulator.studio.drawing.stone import arch_points, banner, bricks, tower, volume
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#22203c")
_STONE, _ROOF, _WINDOW = rgb("#c3bfcf"), rgb("#3f63b8"), rgb("#ffe08a")
_RED, _GOLD = rgb("#c8373f"), rgb("#ffcf57")


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#4a7fd6")), (320, rgb("#9fcdf2")), (600, rgb("#fff0c9")), (1000, rgb("#fff0c9")))
    disc(canvas, 520, 230, 66, rgb("#fff7d6"), rgb("#ffe39a"))
    rays(canvas, 520, 230, rgb("#fff6d0"), rng, towards=(95, 175), count=7, opacity=0.2)
    for x, y, width in ((-560, 220, 300), (-250, 150, 230), (330, 330, 260), (690, 390, 240)):
        cloud(canvas, x, y, width, rng, colour=(255, 255, 255), shade=rgb("#cfd9f0"), opacity=0.94)
    ridge(canvas, 560, 110, rgb("#8fb0d9"), rng, cells=4, rim=rgb("#c9def2"))
    haze(canvas, rgb("#fff3d4"), 430, 720, 0.45)
    ridge(canvas, 620, 60, rgb("#7fb28c"), rng, cells=3, rim=rgb("#b9dba0"))
    _hill(canvas)
    _castle(canvas, rng)
    _woods(canvas, rng)
    stops = ((720, rgb("#a7cf5f")), (830, rgb("#6fa34a")), (1000, rgb("#33663f")))
    ground(canvas, 744, stops, rng, ink=Ink(_INK, 2.8))
    path(canvas, 748, rgb("#e3cc98"), rng, width=310, edge=rgb("#b3965f"))
    _meadow(canvas, rng)


def _hill(canvas: Canvas) -> None:
    line = [(x, 700 - 120 * max(0.0, 1 - (x / 560) ** 2)) for x in range(-800, 801, 20)]
    hill = Stencil().polygon(down_to_floor([(float(x), y) for x, y in line]))
    canvas.cut(hill, rgb("#86b860"), ink=Ink(_INK, 2.4), edges=(Edge(rgb("#c5e27f"), 0, 8),), shadow=0.3)


def _castle(canvas: Canvas, rng: random.Random) -> None:
    for x, width, height in ((-205, 84, 330), (215, 84, 350)):
        tower(
            canvas,
            x,
            640,
            width,
            height,
            mix(_STONE, rgb("#9fb4d9"), 0.35),
            _ROOF,
            rng,
            ink=Ink(_INK, 3),
            window=_WINDOW,
        )
    keep = Stencil().rectangle(-130, 300, 130, 640)
    volume(canvas, keep, mix(_STONE, rgb("#9fb4d9"), 0.2), ink=Ink(_INK, 3.4), depth=44)
    tower(canvas, 0, 320, 110, 120, _STONE, _ROOF, rng, ink=Ink(_INK, 3.2), window=_WINDOW)
    wall = Stencil().rectangle(-400, 500, 400, 690)
    for number in range(15):
        wall.rectangle(-396 + 54 * number, 476, -368 + 54 * number, 502)
    wall.polygon(arch_points(0, 700, 150, 170), hole=True)
    volume(canvas, wall, _STONE, ink=Ink(_INK, 3.6), depth=20)
    bricks(canvas, -390, 515, 390, 680, rgb("#a29eb4"), rng, count=46, size=34)
    for x in (-400, 400):
        tower(canvas, x, 730, 118, 330, _STONE, _ROOF, rng, ink=Ink(_INK, 3.8), window=_WINDOW)
    for x in (-290, 290):
        banner(canvas, x, 524, 56, 130, _RED, _GOLD, ink=Ink(_INK, 2.8))
    _pennants(canvas)


def _pennants(canvas: Canvas) -> None:
    for x, top in ((-400, 190), (400, 190), (0, 10), (-205, 165), (215, 145)):
        canvas.cut(Stencil().line([(x, top + 10), (x, top - 64)], 4), _INK)
        flag = [(x + 2, top - 64), (x + 66, top - 48), (x + 2, top - 28)]
        canvas.cut(Stencil().polygon(flag), _RED, ink=Ink(_INK, 2.4), edges=(Edge(_GOLD, 0, 8, 0.9),))


def _woods(canvas: Canvas, rng: random.Random) -> None:
    for side in (-1, 1):
        places = [(side * (520 + 46 * n), 770.0, rng.uniform(150, 220)) for n in range(5)]
        pines(canvas, places, rgb("#2f6b58"), rng, ink=Ink(_INK, 2.6))
        for number in range(5):
            x, size = side * (430 + 84 * number), rng.uniform(56, 84)
            green = mix(rgb("#4f9a4e"), rgb("#8fbf4a"), rng.random())
            foliage(
                canvas, x, 776, size, size * 0.74, green, rng, ink=Ink(_INK, 2.8), light=mix(green, rgb("#eef59a"), 0.4)
            )


def _meadow(canvas: Canvas, rng: random.Random) -> None:
    tufts(canvas, rgb("#4d8a3c"), rng, count=70, top=765, bottom=940)
    tufts(canvas, rgb("#c3de6f"), rng, count=36, top=770, bottom=950)
    for colour in (rgb("#ff7d7d"), rgb("#fff2b0"), rgb("#b7a2ff")):
        flowers = Stencil()
        for _ in range(22):
            x, y = rng.choice((-1, 1)) * rng.uniform(230, canvas.half), rng.uniform(780, 950)
            size = 3 + (y - 760) / 46
            flowers.ellipse(x, y, size, size * 0.8)
        canvas.cut(flowers, colour, ink=Ink(_INK, 1.6))
    for side in (-1, 1):
        for number in range(3):
            x = side * (300 + 150 * number)
            post = Stencil().rectangle(x - 8, 790 + 16 * number, x + 8, 866 + 16 * number)
            volume(canvas, post, rgb("#9c6b45"), ink=Ink(_INK, 3), depth=5)
        rail = Stencil().line([(side * 300, 810), (side * 620, 846)], 9).line([(side * 300, 838), (side * 620, 874)], 9)
        canvas.cut(rail, rgb("#b07c50"), ink=Ink(_INK, 2.8))


def _before(canvas: Canvas, rng: random.Random) -> None:
    for side in (-1, 1):
        x = side * (canvas.half - 74)
        pole = Stencil().line([(x, 1010), (x, 60)], 16).ellipse(x, 52, 15, 15)
        volume(canvas, pole, rgb("#6b4632"), ink=Ink(_INK, 3.6), depth=6)
        banner(canvas, x, 110, 128, 330, mix(_RED, rgb("#5a1f4a"), 0.3), _GOLD, ink=Ink(_INK, 4))
        bush = Stencil().polygon(bumpy(side * (canvas.half - 30), 1000, 200, 110, rng, bumps=10))
        canvas.cut(bush, rgb("#1f4a3a"), edges=(Edge(rgb("#4f8a4a"), 6, 8, 0.8),), blur=1.4)
    corner_dots(canvas, _INK, opacity=0.2)
    vignette(canvas, rgb("#1b1c46"), 0.42)


SETTING = Setting(
    name="medieval castle",
    words=("medieval castle", "castle", "medieval", "knight", "kingdom", "fortress"),
    light=Light(
        tint=rgb("#fff2d0"), rim=rgb("#fff4c4"), bounce=rgb("#b9cf8f"), shadow=rgb("#1d3a2a"), strength=0.4, side=1
    ),
    behind=_behind,
    before=_before,
)
