"""Wild west: a main street of timber fronts at sundown, mesas, cacti, a wagon wheel."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, rgb, toned
from simulator.studio.curves import Point, closed_curve, limb
from simulator.studio.drawing.air import corner_dots, haze, sky, vignette, wisps
from simulator.studio.drawing.land import FLOOR, cloud, textured, tufts
from simulator.studio.drawing.light import disc, glow, rays
from simulator.studio.drawing.stone import volume
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#3a1a18")
_STREET_Y = 728.0


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#3f7f9f")), (240, rgb("#f0b27a")), (470, rgb("#ffd77f")), (730, rgb("#ff9e5c")))
    disc(canvas, 0, 520, 150, rgb("#fff0b0"), rgb("#ffb75e"))
    rays(canvas, 0, 520, rgb("#fff3c4"), rng, towards=(190, 350), count=11, opacity=0.22)
    for x, y, width in ((-300, 190, 320), (330, 150, 280), (90, 260, 200)):
        cloud(canvas, x, y, width, rng, colour=rgb("#ffd9a8"), shade=rgb("#e08a6a"), opacity=0.85)
    _buttes(canvas)
    haze(canvas, rgb("#ffd28a"), 520, 800, 0.5)
    _street(canvas, rng)
    _fronts(canvas, rng)
    _water_tower(canvas, -268, 742)
    _cactus(canvas, 296, 790, 200)
    _cactus(canvas, -330, 870, 120)


def _buttes(canvas: Canvas) -> None:
    for x, top, half, code in (
        (-210, 500, 70, "#c46a4c"),
        (-110, 570, 60, "#d07c57"),
        (190, 470, 84, "#bb5f49"),
        (110, 600, 60, "#d58559"),
    ):
        colour = rgb(code)
        outline: list[Point] = [
            (x - half * 1.7, 740),
            (x - half, top + 80),
            (x - half * 0.8, top),
            (x + half * 0.8, top + 4),
            (x + half, top + 90),
            (x + half * 1.7, 740),
        ]
        canvas.cut(
            Stencil().polygon(outline),
            colour,
            ink=Ink(_INK, 2.2),
            edges=(Edge(toned(colour, lightness=0.76), -half * 0.5, 0), Edge(rgb("#ffcf94"), 4, 5, 0.7)),
        )


def _street(canvas: Canvas, rng: random.Random) -> None:
    stops = ((_STREET_Y, rgb("#f6c27c")), (830, rgb("#d8955a")), (1000, rgb("#84472f")))
    area = Stencil().rectangle(-canvas.half, _STREET_Y, canvas.half, FLOOR)
    canvas.cut(area, textured(canvas, stops, rng, grain=0.26), ink=Ink(_INK, 2.6))
    ruts = Stencil()
    for side in (-1, 1):
        for offset in (0.9, 1.12):
            ruts.polygon(
                [
                    (side * 20 * offset, 734),
                    (side * 24 * offset, 734),
                    (side * 330 * offset, FLOOR),
                    (side * 300 * offset, FLOOR),
                ]
            )
    canvas.cut(ruts, rgb("#a8663f"), opacity=0.5, blur=2)
    pebbles = Stencil()
    for _ in range(70):
        x, y = rng.uniform(-canvas.half, canvas.half), rng.uniform(750, 985)
        size = rng.uniform(1.5, 3.2) * (y - 660) / 120
        pebbles.ellipse(x, y, size * 1.5, size)
    canvas.cut(pebbles, rgb("#9c5f3d"))


def _fronts(canvas: Canvas, rng: random.Random) -> None:
    paints = (rgb("#b5533c"), rgb("#d9a45a"), rgb("#4f8b86"), rgb("#a8785a"), rgb("#8d4a52"), rgb("#c98a4f"))
    for side in (-1, 1):
        for number in range(3):
            near, far = 760 - 168 * number, 760 - 168 * (number + 1) + 6
            _house(
                canvas,
                side,
                near,
                far,
                300 + 54 * number + rng.uniform(-20, 16),
                paints[(number * 2 + (side > 0)) % 6],
                rng,
            )


def _foot(x: float) -> float:
    """Return the street's height under a house front at a distance x from the middle: both rows lead to one point."""
    return 712 + (x - 200) * 0.29


def _house(canvas: Canvas, side: int, near: float, far: float, top: float, paint: Colour, rng: random.Random) -> None:
    """Paint one false front, in perspective, between the distances `near` and `far` from the middle."""

    def at(share: float, height: float) -> Point:
        x = near + (far - near) * share
        return side * x, _foot(x) - (_foot(x) - (top - 160 * (x - far) / 500)) * height

    colour = paint if side < 0 else toned(paint, lightness=0.86)
    front = [at(0, 0), at(0, 0.9), at(0.14, 0.9), at(0.2, 1), at(0.8, 1), at(0.86, 0.9), at(1, 0.9), at(1, 0)]
    canvas.cut(
        Stencil().polygon(front),
        colour,
        ink=Ink(_INK, 4),
        edges=(Edge(mix(colour, rgb("#ffe0a0"), 0.5), -side * 6, 5, 0.8),),
        shadow=0.35,
    )
    boards = Stencil()
    for number in range(1, 12):
        boards.line([at(0.02, number / 13), at(0.98, number / 13)], 2)
    canvas.cut(boards, toned(colour, lightness=0.72), opacity=0.8)
    _sign(canvas, [at(0.16, 0.94), at(0.84, 0.94), at(0.84, 0.78), at(0.16, 0.78)], rng)
    _windows_and_door(canvas, at)
    roof = [at(-0.04, 0.48), at(1.02, 0.48), at(1.02, 0.42), at(-0.04, 0.42)]
    canvas.cut(Stencil().polygon(roof), toned(colour, lightness=0.6), ink=Ink(_INK, 3.2), shadow=0.4)
    posts = Stencil()
    for share in (0.02, 0.34, 0.68, 0.98):
        posts.line([at(share, 0.44), at(share, 0)], 8)
    canvas.cut(posts, rgb("#8b5a3c"), ink=Ink(_INK, 2.6))


def _windows_and_door(canvas: Canvas, at: Callable[[float, float], Point]) -> None:
    """Paint what is in a front; `at` returns the point at a share of its width and of its height."""
    for share in (0.12, 0.62):
        pane = [at(share, 0.7), at(share + 0.26, 0.7), at(share + 0.26, 0.54), at(share, 0.54)]
        canvas.cut(Stencil().polygon(pane), rgb("#ffe39a"), ink=Ink(_INK, 3))
        canvas.cut(Stencil().line([at(share + 0.13, 0.7), at(share + 0.13, 0.54)], 3), _INK)
    door = [at(0.38, 0.36), at(0.62, 0.36), at(0.62, 0), at(0.38, 0)]
    canvas.cut(Stencil().polygon(door), rgb("#5a2f25"), ink=Ink(_INK, 3))


def _sign(canvas: Canvas, board: list[Point], rng: random.Random) -> None:
    """Paint a signboard whose strokes only look like writing."""
    canvas.cut(Stencil().polygon(board), rgb("#f7e2b4"), ink=Ink(_INK, 3), shadow=0.3)
    (x0, y0), (x1, y1), _, (x3, y3) = board
    strokes = Stencil()
    for number in range(6):
        t = 0.12 + 0.13 * number
        x, y = x0 + (x1 - x0) * t, y0 + (y1 - y0) * t
        height = (y3 - y0) + (x3 - x0) * 0
        strokes.line([(x, y + height * 0.25), (x + (x1 - x0) * rng.uniform(0, 0.07), y + height * 0.75)], 5)
    canvas.cut(strokes, rgb("#8d2f2a"))


def _water_tower(canvas: Canvas, x: float, foot: float) -> None:
    legs = Stencil()
    for dx in (-44, 0, 44):
        legs.line([(x + dx * 1.2, foot), (x + dx * 0.8, foot - 190)], 8)
    legs.line([(x - 50, foot - 60), (x + 44, foot - 150)], 5).line([(x + 50, foot - 60), (x - 44, foot - 150)], 5)
    canvas.cut(legs, rgb("#7a4a33"), ink=Ink(_INK, 2.8))
    volume(
        canvas,
        Stencil().rectangle(x - 56, foot - 290, x + 56, foot - 186),
        rgb("#b3754c"),
        ink=Ink(_INK, 3.4),
        depth=30,
    )
    hoops = (
        Stencil().rectangle(x - 57, foot - 264, x + 57, foot - 256).rectangle(x - 57, foot - 214, x + 57, foot - 206)
    )
    canvas.cut(hoops, rgb("#5b4a46"))
    volume(
        canvas,
        Stencil().polygon([(x - 72, foot - 288), (x, foot - 346), (x + 72, foot - 288)]),
        rgb("#94503d"),
        ink=Ink(_INK, 3.4),
        depth=24,
    )


def _cactus(canvas: Canvas, x: float, foot: float, height: float) -> None:
    thick = height * 0.24
    plant = Stencil().line([(x, foot), (x, foot - height)], thick)
    for side, level in ((-1, 0.42), (1, 0.56)):
        elbow = foot - height * level
        arm = limb(
            [(x, elbow), (x + side * thick * 1.25, elbow - 4), (x + side * thick * 1.4, elbow - height * 0.32)],
            [thick * 0.66, thick * 0.66, thick * 0.6],
        )
        plant.polygon(arm).ellipse(x + side * thick * 1.4, elbow - height * 0.32, thick * 0.3, thick * 0.3)
    edges = (Edge(rgb("#2f6b4c"), -thick * 0.34, 0), Edge(rgb("#a9d07a"), 4, 4, 0.9))
    canvas.cut(plant, rgb("#4f9a62"), ink=Ink(_INK, 3.8), edges=edges, shadow=0.35)


def _before(canvas: Canvas, rng: random.Random) -> None:
    wisps(canvas, rgb("#ffdca0"), 660, 960, 0.5, rng)
    _wheel(canvas, -canvas.half + 100, 900, 128)
    _tumbleweed(canvas, canvas.half - 200, 900, 64, rng)
    rail = (
        Stencil()
        .line([(canvas.half - 20, 1010), (canvas.half - 20, 800)], 26)
        .line([(canvas.half - 190, 1012), (canvas.half - 190, 936)], 20)
        .line([(canvas.half + 10, 850), (canvas.half - 210, 958)], 17)
    )
    volume(canvas, rail, rgb("#5f3526"), ink=Ink(_INK, 4), depth=6)
    tufts(canvas, rgb("#6b4a28"), rng, count=16, top=985, bottom=1012, size=62)
    glow(canvas, 0, 520, 420, rgb("#ffcf7a"), 0.16)
    corner_dots(canvas, _INK, opacity=0.24)
    vignette(canvas, rgb("#43161a"), 0.48)


def _wheel(canvas: Canvas, x: float, y: float, radius: float) -> None:
    wheel = Stencil().ellipse(x, y, radius, radius).ellipse(x, y, radius * 0.82, radius * 0.82, hole=True)
    for number in range(10):
        angle = math.tau * number / 10 + 0.2
        wheel.line([(x, y), (x + radius * 0.9 * math.cos(angle), y + radius * 0.9 * math.sin(angle))], radius * 0.09)
    wheel.ellipse(x, y, radius * 0.2, radius * 0.2)
    volume(canvas, wheel, rgb("#8b5636"), ink=Ink(_INK, 4.2), depth=6, shadow=0.5)
    canvas.cut(Stencil().ellipse(x, y, radius * 0.09, radius * 0.09), rgb("#d9a24f"), ink=Ink(_INK, 3))


def _tumbleweed(canvas: Canvas, x: float, y: float, radius: float, rng: random.Random) -> None:
    canvas.cut(Stencil().ellipse(x, y + radius * 0.9, radius, radius * 0.2), _INK, opacity=0.4, blur=6)
    twigs = Stencil()
    for _ in range(26):
        angles = [rng.uniform(0, math.tau) for _ in range(4)]
        loop = closed_curve(
            [
                (x + radius * rng.uniform(0.5, 1) * math.cos(a), y + radius * rng.uniform(0.5, 1) * math.sin(a))
                for a in angles
            ],
            6,
        )
        twigs.line(loop, 3)
    canvas.cut(twigs, rgb("#b98a4a"), ink=Ink(_INK, 1.6))


SETTING = Setting(
    name="wild west",
    words=("wild west", "western", "cowboy", "frontier town", "saloon"),
    light=Light(tint=rgb("#ffd7a4"), rim=rgb("#ffe3a0"), bounce=rgb("#d79a68"), shadow=rgb("#4a1f18"), side=1),
    behind=_behind,
    before=_before,
)
