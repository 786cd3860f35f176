"""Sky islands: floating rocks with meadows and waterfalls in a pastel sea of cloud, a balloon passing."""

from __future__ import annotations

import random

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, rgb
from simulator.studio.curves import Point, limb, open_curve
from simulator.studio.drawing.air import corner_dots, haze, sky, vignette, wisps
from simulator.studio.drawing.land import FLOOR, cloud, textured, tufts
from simulator.studio.drawing.light import disc, fireflies, glow, rays
from simulator.studio.drawing.plants import foliage
from simulator.studio.drawing.stone import tower
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#3a2b66")
_GRASS, _ROCK = rgb("#7fd07a"), rgb("#b28aa8")
_BLUSH, _FAR = rgb("#ffc9de"), rgb("#d9c9f2")


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(
        canvas,
        (0, rgb("#5a7fe0")),
        (280, rgb("#9fb8ff")),
        (540, rgb("#ffd0e6")),
        (780, rgb("#fff0d0")),
        (1000, rgb("#ffd9c9")),
    )
    disc(canvas, -330, 300, 96, rgb("#fffbe6"), rgb("#fff0b4"))
    rays(canvas, -330, 300, rgb("#ffffff"), rng, towards=(0, 100), count=9, opacity=0.16)
    _rainbow(canvas)
    for x, y, size in ((-640, 420, 0.42), (120, 300, 0.36), (640, 300, 0.5)):
        _island(canvas, x, y, 260 * size + 60, rng, faint=0.5)
    haze(canvas, rgb("#ffe6f2"), 300, 720, 0.4)
    _clouds(canvas, rng, 560, 4, 0.85)
    _island(canvas, -480, 520, 210, rng, faint=0.12, castle=True)
    _island(canvas, 480, 470, 190, rng, faint=0.12)
    _balloon(canvas, 300, 230)
    _clouds(canvas, rng, 740, 6, 0.95)
    _bridge(canvas)
    _home_island(canvas, rng)


def _rainbow(canvas: Canvas) -> None:
    for number, code in enumerate(("#ff8f8f", "#ffc27a", "#fff08a", "#9fe39a", "#8fc8ff", "#c3a0ff")):
        radius = 560 - 17 * number
        band = Stencil().ellipse(140, 760, radius, radius).ellipse(140, 760, radius - 17, radius - 17, hole=True)
        canvas.cut(band, rgb(code), opacity=0.34, blur=2)


def _clouds(canvas: Canvas, rng: random.Random, y: float, count: int, opacity: float) -> None:
    for number in range(count):
        x = -canvas.half + 2 * canvas.half * (number + rng.uniform(0.2, 0.8)) / count
        cloud(
            canvas,
            x,
            y + rng.uniform(-30, 40),
            rng.uniform(300, 430),
            rng,
            colour=rgb("#ffffff"),
            shade=_BLUSH,
            opacity=opacity,
        )


def _island(
    canvas: Canvas, x: float, y: float, half: float, rng: random.Random, *, faint: float, castle: bool = False
) -> None:
    """Paint a floating island whose meadow is at y; `faint` fades it into the distance."""
    ink = Ink(mix(_INK, _FAR, faint), 3.4 * (1 - faint * 0.6))
    _underside(canvas, x, y, half, mix(_ROCK, _FAR, faint), ink, rng)
    _fall(canvas, x + half * 0.4, y, half * 1.5, half * 0.1, faint)
    _meadow(canvas, x, y, half, mix(_GRASS, _FAR, faint), ink, rng)
    if castle:
        _castle(canvas, x, y, half, rng)
    for share in (-0.6, 0.66):
        _blossom_tree(canvas, x + half * share, y, half * rng.uniform(0.17, 0.24), faint, ink, rng)


_DEPTHS = (
    (-0.78, 0.34),
    (-0.52, 0.6),
    (-0.34, 0.5),
    (-0.1, 1.12),
    (0.12, 0.84),
    (0.34, 0.96),
    (0.55, 0.5),
    (0.8, 0.36),
)


def _underside(canvas: Canvas, x: float, y: float, half: float, rock: Colour, ink: Ink, rng: random.Random) -> None:
    hanging = [(x + half * share, y + half * depth * rng.uniform(0.88, 1.1)) for share, depth in _DEPTHS]
    edges = (Edge(mix(rock, _INK, 0.3), -half * 0.26, -half * 0.1), Edge(mix(rock, (255, 255, 255), 0.4), 5, 3))
    outline = Stencil().polygon([(x - half, y), *hanging, (x + half, y)])
    canvas.cut(outline, rock, ink=ink, edges=edges, shadow=0.2)


def _meadow(canvas: Canvas, x: float, y: float, half: float, grass: Colour, ink: Ink, rng: random.Random) -> None:
    heights = ((-1.06, 8 / half), (-0.7, -0.14), (0.0, -0.2), (0.7, -0.13), (1.06, 8 / half))
    top = open_curve([(x + half * a, y + half * b) for a, b in heights], 6)
    fringe: list[Point] = []
    for number in range(15):
        drop = (0.2 if number % 2 else 0.08) * rng.uniform(0.8, 1.2)
        fringe.append((x + half * (1 - 2 * number / 14), y + half * drop))
    edges = (Edge(mix(grass, _INK, 0.22), 0, -half * 0.1), Edge(mix(grass, rgb("#fffcc0"), 0.5), 0, 6))
    canvas.cut(Stencil().polygon([*top, *fringe]), grass, ink=ink, edges=edges)


def _castle(canvas: Canvas, x: float, y: float, half: float, rng: random.Random) -> None:
    stone, roof, window = rgb("#efe6f7"), rgb("#ff8fa8"), rgb("#ffe39a")
    for dx, width, height in ((-0.28, 0.2, 0.46), (0.06, 0.26, 0.72)):
        at, foot = x + half * dx, y - half * 0.1
        tower(canvas, at, foot, half * width, half * height, stone, roof, rng, ink=Ink(_INK, 2.8), window=window)


def _blossom_tree(
    canvas: Canvas, x: float, foot: float, size: float, faint: float, ink: Ink, rng: random.Random
) -> None:
    stem = Stencil().line([(x, foot), (x, foot - size * 1.2)], size * 0.26)
    canvas.cut(stem, mix(rgb("#8f5f7a"), _FAR, faint), ink=ink)
    petals, light = mix(rgb("#ff9fc0"), _FAR, faint), mix(rgb("#ffd9e6"), _FAR, faint)
    foliage(canvas, x, foot - size * 1.5, size, size * 0.86, petals, rng, ink=ink, light=light)


def _fall(canvas: Canvas, x: float, y: float, length: float, half: float, faint: float) -> None:
    water = Stencil().polygon(
        [(x - half, y - 4), (x + half, y - 4), (x + half * 1.5, y + length), (x - half * 1.5, y + length)]
    )
    canvas.cut(
        water,
        mix(rgb("#d6f6ff"), (255, 255, 255), faint),
        opacity=0.9,
        edges=(Edge(rgb("#8fcdf0"), -half * 0.8, 0, 0.7),),
    )
    glow(canvas, x, y + length, half * 7, (255, 255, 255), 0.6)


def _balloon(canvas: Canvas, x: float, y: float) -> None:
    stripes = (rgb("#ff6f7d"), rgb("#fff3d6"), rgb("#ff6f7d"), rgb("#fff3d6"), rgb("#ff6f7d"))
    canvas.cut(
        Stencil()
        .ellipse(x, y, 84, 94)
        .polygon([(x - 62, y + 62), (x + 62, y + 62), (x + 20, y + 124), (x - 20, y + 124)]),
        stripes[1],
        ink=Ink(_INK, 3.6),
        shadow=0.25,
    )
    for number, across in enumerate((84, 60, 24)):
        canvas.cut(
            Stencil().ellipse(x, y, across, 94),
            stripes[number],
            edges=(Edge(mix(stripes[number], _INK, 0.3), -22, -6, 0.6),) if number == 0 else (),
        )
    ropes = Stencil().line([(x - 22, y + 118), (x - 16, y + 150)], 3).line([(x + 22, y + 118), (x + 16, y + 150)], 3)
    canvas.cut(ropes, _INK)
    canvas.cut(
        Stencil().rectangle(x - 20, y + 148, x + 20, y + 180),
        rgb("#b57a4f"),
        ink=Ink(_INK, 3),
        edges=(Edge(rgb("#84523a"), -12, 0),),
    )


def _bridge(canvas: Canvas) -> None:
    for side in (-1, 1):
        low = open_curve([(side * 300, 772), (side * 400, 706), (side * 520, 640)], 8)
        canvas.cut(Stencil().line(low, 15), rgb("#b57f5a"), ink=Ink(_INK, 3))
        rope = Stencil().line([(px, py - 42) for px, py in low], 4)
        for px, py in low[::3]:
            rope.line([(px, py), (px, py - 44)], 4)
        canvas.cut(rope, rgb("#7a5266"))


def _home_island(canvas: Canvas, rng: random.Random) -> None:
    """Paint the island the figure stands on: meadow in front, rock below, cloud to both sides."""
    under = limb([(0, 860), (0, 1030)], [1240, 900])
    canvas.cut(Stencil().polygon(under), _ROCK, ink=Ink(_INK, 4), edges=(Edge(mix(_ROCK, _INK, 0.3), -60, 0),))
    top = open_curve([(-660, 860), (-520, 790), (-260, 758), (0, 750), (260, 758), (520, 790), (660, 860)], 10)
    fringe: list[Point] = []
    for number in range(31):
        share = 1 - 2 * number / 30
        fringe.append(
            (660 * share, 924 + 34 * (1 - share * share) + (34 if number % 2 else -6) * rng.uniform(0.7, 1.2))
        )
    stops = ((740, rgb("#bdf08a")), (850, rgb("#7fcf78")), (1000, rgb("#3f9a76")))
    canvas.cut(
        Stencil().polygon([*top, *fringe]),
        textured(canvas, stops, rng),
        ink=Ink(_INK, 3.6),
        edges=(Edge(rgb("#e9ffb0"), 0, 7, 0.8),),
        shadow=0.3,
    )
    tufts(canvas, rgb("#5fb868"), rng, count=50, top=790, bottom=905, size=24)
    blossoms = Stencil()
    for _ in range(46):
        x, y = rng.choice((-1, 1)) * rng.uniform(170, 560), rng.uniform(800, 905)
        blossoms.ellipse(x, y, 5.5, 4.4)
    canvas.cut(blossoms, rgb("#fff0f6"), ink=Ink(rgb("#d77fa8"), 1.8, 0))


def _before(canvas: Canvas, rng: random.Random) -> None:
    wisps(canvas, (255, 255, 255), 560, 960, 0.4, rng)
    fireflies(canvas, rng, count=18, colour=rgb("#ffe9f4"), top=160, bottom=840)
    for side in (-1, 1):
        cloud(canvas, side * (canvas.half - 60), 1000, 560, rng, colour=(255, 255, 255), shade=_BLUSH)
        cloud(
            canvas, side * (canvas.half - 30), 80, 420, rng, colour=(255, 255, 255), shade=rgb("#d5d0ff"), opacity=0.8
        )
    foot = Stencil().rectangle(-canvas.half, 985, canvas.half, FLOOR)
    canvas.cut(foot, (255, 255, 255), blur=14, opacity=0.85)
    corner_dots(canvas, rgb("#6a5ac0"), opacity=0.2)
    vignette(canvas, rgb("#4a3fa8"), 0.34)


SETTING = Setting(
    name="sky islands",
    words=("sky islands", "sky island", "floating island", "islands in the sky", "above the clouds"),
    light=Light(
        tint=rgb("#ffeef6"), rim=rgb("#fff6d8"), bounce=rgb("#c6e0b4"), shadow=rgb("#3a4a7a"), strength=0.35, side=-1
    ),
    behind=_behind,
    before=_before,
)
