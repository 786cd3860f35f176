"""The backdrop for a theme that no setting knows: a comic's burst of colour, chosen by the prompt."""

from __future__ import annotations

import math
import random

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import mix, rgb, toned
from simulator.studio.curves import Point
from simulator.studio.drawing.air import corner_dots, sky, vignette
from simulator.studio.settings.setting import Light, Setting

_PALETTES = (
    ("#1b1f4b", "#5b3fa8", "#ff7d6b", "#ffd166"),
    ("#06303a", "#0f7d7a", "#8fdc97", "#fff1c1"),
    ("#3b0f3f", "#b02a6f", "#ff9a5c", "#ffe9a8"),
    ("#0d2149", "#2a6fb5", "#7fd0e8", "#fff4d6"),
)


def _behind(canvas: Canvas, rng: random.Random) -> None:
    deep, main, warm, light = (rgb(code) for code in rng.choice(_PALETTES))
    sky(canvas, (0, deep), (500, main), (760, warm), (1000, mix(warm, deep, 0.5)))
    turn = rng.uniform(0, math.pi)
    for number in range(18):
        angle = turn + number * math.tau / 18
        spread = math.tau / 62
        ray: list[Point] = [(0, 430)]
        ray += [(1400 * math.cos(a), 430 + 1400 * math.sin(a)) for a in (angle - spread, angle + spread)]
        canvas.cut(Stencil().polygon(ray), light, opacity=0.16)
    for radius, share in ((390, 0.25), (330, 0.5), (270, 0.8)):
        canvas.cut(Stencil().ellipse(0, 430, radius, radius), mix(warm, light, share), shadow=0.25)
    for layer in range(3):
        base = 720 + 70 * layer
        hill: list[Point] = [(-800, 1010)]
        phase = rng.uniform(0, 6)
        hill += [
            (x, base + 46 * math.sin(x / 260 + phase) + 18 * math.sin(x / 90 + phase * 2)) for x in range(-800, 801, 20)
        ]
        colour = mix(main, deep, layer * 0.42)
        canvas.cut(
            Stencil().polygon([*hill, (800, 1010)]),
            colour,
            ink=Ink(deep, 3),
            edges=(Edge(toned(colour, lightness=1.3), 0, 7),),
            shadow=0.4,
        )


def _before(canvas: Canvas, rng: random.Random) -> None:
    for _ in range(14):
        x, y, size = rng.choice((-1, 1)) * rng.uniform(300, 740), rng.uniform(110, 700), rng.uniform(8, 26)
        star = [(x + size * r * math.cos(a), y + size * r * math.sin(a)) for a, r in _STAR]
        canvas.cut(Stencil().polygon(star), (255, 246, 214), ink=Ink((30, 20, 50), 2))
    corner_dots(canvas, (20, 10, 40))
    vignette(canvas, (14, 8, 40), 0.5)


_STAR = [(number * math.tau / 8, 1.0 if number % 2 == 0 else 0.34) for number in range(8)]

SETTING = Setting(
    name="abstract",
    words=(),
    light=Light(tint=rgb("#ffe9d6"), rim=rgb("#fff2c8"), bounce=rgb("#a87fb0"), shadow=rgb("#180d33"), strength=0.35),
    behind=_behind,
    before=_before,
)
