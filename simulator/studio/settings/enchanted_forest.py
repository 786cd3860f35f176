"""Enchanted forest: old trunks in green dusk, shafts of light, glowing mushrooms."""

from __future__ import annotations

import random

from simulator.studio.canvas import Canvas, Ink
from simulator.studio.colours import mix, rgb
from simulator.studio.drawing.air import corner_dots, haze, sky, vignette, wisps
from simulator.studio.drawing.land import ground, path, tufts
from simulator.studio.drawing.light import fireflies, glow, rays
from simulator.studio.drawing.plants import fern, foliage, mushroom, trunk
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#0d1f24")
_FAR, _NEAR, _GOLD = rgb("#5f9c86"), rgb("#21423f"), rgb("#fff0a8")


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#1d5a58")), (420, rgb("#9fd39a")), (640, rgb("#e8efae")), (1000, rgb("#3b6b4a")))
    glow(canvas, 0, 430, 640, _GOLD, 0.75)
    _trunks(canvas, rng)
    rays(canvas, -420, -160, rgb("#fdf6c4"), rng, towards=(28, 84), count=8, opacity=0.34)
    _canopy(canvas, rng)
    stops = ((690, rgb("#7fae5c")), (800, rgb("#4c8049")), (1000, rgb("#1c3f34")))
    ground(canvas, 724, stops, rng, ink=Ink(_INK, 2.5))
    path(canvas, 730, rgb("#c9b98a"), rng, width=300, edge=rgb("#8f8a5c"))
    tufts(canvas, rgb("#3c7440"), rng, count=60, top=735, bottom=900)
    tufts(canvas, rgb("#86b85e"), rng, count=34, top=745, bottom=930)
    _mushrooms(canvas, rng)


def _trunks(canvas: Canvas, rng: random.Random) -> None:
    for layer in range(3):
        share = layer / 2
        colour = mix(_FAR, _NEAR, share)
        side = -1
        for number in range(5 - layer):
            side = -side
            x = side * rng.uniform(150 + 120 * layer, 320 + 190 * layer + 60 * number)
            width = 34 + 40 * layer + rng.uniform(0, 18)
            ink = Ink(_INK, 3.4) if layer == 2 else None
            trunk(canvas, x, 738 + 26 * layer, width, colour, rng, rim=mix(colour, _GOLD, 0.5), ink=ink)
        haze(canvas, rgb("#dff0b4"), 380 + 40 * layer, 800, 0.42 - 0.13 * layer)


def _canopy(canvas: Canvas, rng: random.Random) -> None:
    for layer, colour in enumerate((rgb("#4f9170"), rgb("#2f6b57"), rgb("#1c4a43"))):
        for number in range(7):
            x = -canvas.half + 2 * canvas.half * (number + rng.uniform(0.2, 0.8)) / 7
            y = 30 - 24 * layer + 0.00016 * x * x * (1 + layer * 0.5)
            light = mix(colour, rgb("#d9ee8c"), 0.34)
            foliage(canvas, x, y, rng.uniform(120, 170), rng.uniform(70, 104), colour, rng, light=light)


def _mushrooms(canvas: Canvas, rng: random.Random) -> None:
    caps = (rgb("#ff7fa3"), rgb("#67e0d8"), rgb("#b48bff"))
    for side in (-1, 1):
        for number in range(4):
            x, y = side * rng.uniform(290 + 70 * number, 380 + 85 * number), rng.uniform(786, 890)
            mushroom(canvas, x, y, rng.uniform(46, 92), rng.choice(caps), ink=Ink(_INK, 2.6))


def _before(canvas: Canvas, rng: random.Random) -> None:
    wisps(canvas, rgb("#e9f7c8"), 640, 930, 0.4, rng)
    fireflies(canvas, rng, count=34, colour=rgb("#ffec8a"), top=150, bottom=880)
    dark = rgb("#0e2a2b")
    for side in (-1, 1):
        for number, degrees in enumerate((-70, -48, -24)):
            turn = degrees if side < 0 else -180 - degrees
            x = side * (canvas.half - 40 + 16 * number)
            fern(canvas, x, 985, 380 - 44 * number, turn, mix(dark, rgb("#2e6a52"), 0.3 * number), blur=0.9)
        foliage(canvas, side * (canvas.half - 10), 20, 210, 150, dark, rng)
    corner_dots(canvas, _INK)
    vignette(canvas, rgb("#06181c"), 0.55)


SETTING = Setting(
    name="enchanted forest",
    words=("enchanted forest", "forest", "woodland", "fairy", "woods"),
    light=Light(tint=rgb("#e6f0b8"), rim=rgb("#fff6b8"), bounce=rgb("#9fc48a"), shadow=rgb("#0a2320"), side=-1),
    behind=_behind,
    before=_before,
)
