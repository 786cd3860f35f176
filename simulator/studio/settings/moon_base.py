"""Moon base: domes and masts on grey dust, the Earth overhead, stars."""

from __future__ import annotations

import random

from PIL import Image, ImageChops

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, mix, rgb
from simulator.studio.curves import limb
from simulator.studio.drawing.air import corner_dots, numbers, sky, vignette
from simulator.studio.drawing.land import FLOOR, bumpy, ground, ridge, rock
from simulator.studio.drawing.light import glow, stars
from simulator.studio.drawing.stone import volume
from simulator.studio.filters import smoothstep
from simulator.studio.noise import fractal
from simulator.studio.settings.setting import Light, Setting

_INK = rgb("#0a0d1c")
_WHITE, _LAMP = rgb("#e4e8f0"), rgb("#ffd27a")


def _behind(canvas: Canvas, rng: random.Random) -> None:
    sky(canvas, (0, rgb("#03040f")), (480, rgb("#121a3f")), (720, rgb("#2c3a78")), (1000, rgb("#2c3a78")))
    _nebula(canvas, rng)
    stars(canvas, rng, count=260, top=0, bottom=640, colour=rgb("#f2f5ff"))
    _earth(canvas, rng)
    for layer, colour in enumerate((rgb("#59628c"), rgb("#6d759a"), rgb("#868cab"))):
        ridge(
            canvas,
            610 + 46 * layer,
            96 - 24 * layer,
            colour,
            rng,
            cells=4 + layer,
            ink=Ink(_INK, 2),
            rim=mix(colour, (255, 255, 255), 0.5),
        )
    _base(canvas)
    stops = ((720, rgb("#b9bccb")), (820, rgb("#8d92a8")), (1000, rgb("#3a3f5c")))
    ground(canvas, 738, stops, rng, ink=Ink(_INK, 3), swell=12)
    _craters(canvas, rng)
    _prints(canvas)


def _nebula(canvas: Canvas, rng: random.Random) -> None:
    for colour, share in ((rgb("#5a3aa8"), 0.55), (rgb("#1f7fb5"), 0.45)):
        cloud = fractal((192, 128), 3, numbers(rng), octaves=5)
        canvas.lay(colour, smoothstep(0.5, 0.95, cloud) * share)


def _earth(canvas: Canvas, rng: random.Random) -> None:
    x, y, radius = 440.0, 250.0, 150.0
    glow(canvas, x, y, 420, rgb("#5fb8ff"), 0.75)
    canvas.cut(Stencil().ellipse(x, y, radius, radius), rgb("#2f86e0"))
    land = Stencil()
    for dx, dy, across, down in ((-60, -40, 62, 52), (40, 30, 58, 70), (-40, 82, 50, 34), (70, -80, 44, 26)):
        land.polygon(bumpy(x + dx, y + dy, across, down, rng, bumps=5, depth=0.13))
    disc = canvas.mask(Stencil().ellipse(x, y, radius - 1, radius - 1))
    _through(canvas, land, disc, rgb("#58b56b"), 1.0)
    clouds = Stencil()
    for _ in range(8):
        at, cy, long = x + rng.uniform(-110, 90), y + rng.uniform(-110, 110), rng.uniform(26, 60)
        clouds.ellipse(at, cy, long, 6).ellipse(at + long * 0.4, cy - 8, long * 0.6, 7)
    _through(canvas, clouds, disc, (255, 255, 255), 0.8)
    night = Stencil().ellipse(x, y, radius, radius).ellipse(x - 60, y - 46, radius * 1.12, radius * 1.12, hole=True)
    canvas.cut(night, rgb("#040a2c"), blur=9, opacity=0.72)


def _through(canvas: Canvas, stencil: Stencil, window: Image.Image, colour: Colour, opacity: float) -> None:
    canvas.paste(colour, ImageChops.darker(canvas.mask(stencil), window), (0, 0, *canvas.size), opacity)


def _base(canvas: Canvas) -> None:
    for x, radius in ((-520, 150), (-300, 96), (330, 116), (590, 170)):
        _dome(canvas, x, 752, radius)
    tube = (
        Stencil().polygon(limb([(-450, 728), (-300, 728)], [46, 46])).polygon(limb([(360, 730), (560, 730)], [46, 46]))
    )
    volume(canvas, tube, rgb("#b9c0d0"), ink=Ink(_INK, 3.4), depth=4)
    _dish(canvas, -640, 560)
    _rocket(canvas, 255, 752)


def _dome(canvas: Canvas, x: float, foot: float, radius: float) -> None:
    glow(canvas, x, foot - radius * 0.4, radius * 1.9, _LAMP, 0.4)
    dome = Stencil().ellipse(x, foot, radius, radius).rectangle(x - radius * 2, foot, x + radius * 2, FLOOR, hole=True)
    canvas.cut(
        dome,
        _WHITE,
        ink=Ink(_INK, 4),
        edges=(Edge(rgb("#8790b5"), -radius * 0.3, -radius * 0.12), Edge((255, 255, 255), 6, 6)),
        shadow=0.3,
    )
    ribs = Stencil()
    for share in (0.35, 0.68):
        ribs.ellipse(x, foot, radius * share, radius).ellipse(x, foot, radius * share - 3, radius - 3, hole=True)
    ribs.rectangle(x - radius * 2, foot, x + radius * 2, FLOOR, hole=True)
    canvas.cut(ribs, rgb("#6a7196"))
    lamps = Stencil()
    for share in (-0.62, -0.3, 0.02, 0.34):
        lamps.ellipse(x + share * radius, foot - radius * 0.34, radius * 0.1, radius * 0.1)
    canvas.cut(lamps, _LAMP, ink=Ink(_INK, 2.6))
    door = Stencil().rectangle(x - radius * 0.16, foot - radius * 0.2, x + radius * 0.16, foot)
    canvas.cut(door, rgb("#f0883e"), ink=Ink(_INK, 2.6))


def _dish(canvas: Canvas, x: float, y: float) -> None:
    mast = (
        Stencil()
        .line([(x, 760), (x, y)], 9)
        .line([(x - 34, 760), (x, y + 70)], 5)
        .line([(x + 34, 760), (x, y + 70)], 5)
    )
    canvas.cut(mast, rgb("#aeb5c9"), ink=Ink(_INK, 3))
    bowl = limb([(x - 60, y - 62), (x - 8, y + 8), (x + 62, y + 34)], [10, 52, 10])
    volume(canvas, Stencil().polygon(bowl), _WHITE, ink=Ink(_INK, 3.4), depth=8)
    canvas.cut(
        Stencil().line([(x, y), (x + 52, y - 58)], 5).ellipse(x + 54, y - 60, 9, 9), rgb("#f0883e"), ink=Ink(_INK, 2.4)
    )


def _rocket(canvas: Canvas, x: float, foot: float) -> None:
    legs = Stencil().line([(x - 14, foot - 60), (x - 50, foot)], 8).line([(x + 14, foot - 60), (x + 50, foot)], 8)
    canvas.cut(legs, rgb("#c9a24b"), ink=Ink(_INK, 3))
    hull = limb([(x, foot - 30), (x, foot - 150), (x, foot - 270), (x, foot - 330)], [66, 78, 58, 4])
    volume(canvas, Stencil().polygon(hull), _WHITE, ink=Ink(_INK, 3.6), depth=22)
    canvas.cut(Stencil().polygon(limb([(x, foot - 286), (x, foot - 330)], [46, 4])), rgb("#e2574c"), ink=Ink(_INK, 3))
    canvas.cut(Stencil().ellipse(x, foot - 200, 18, 18), rgb("#7fd4ff"), ink=Ink(_INK, 4))


def _craters(canvas: Canvas, rng: random.Random) -> None:
    for _ in range(15):
        y = 760 + 220 * rng.random()
        x, near = rng.uniform(-canvas.half, canvas.half), (y - 700) / 260
        across = rng.uniform(34, 88) * near
        canvas.cut(Stencil().ellipse(x, y, across * 1.12, across * 0.32), rgb("#d6d9e6"), opacity=0.85)
        canvas.cut(
            Stencil().ellipse(x, y + 2, across, across * 0.26), rgb("#565c7c"), edges=(Edge(rgb("#3c4162"), -6, -5),)
        )


def _prints(canvas: Canvas) -> None:
    steps = Stencil()
    for number in range(9):
        t = number / 9
        x, y = 250 * (1 - t) ** 1.5 + (14 if number % 2 else -14) * (0.4 + t), 758 + 110 * t
        steps.ellipse(x, y, 4 + 7 * t, 2 + 3 * t)
    canvas.cut(steps, rgb("#5d6383"), opacity=0.8)


def _before(canvas: Canvas, rng: random.Random) -> None:
    for side in (-1, 1):
        rock(canvas, side * (canvas.half - 60), 1015, 330, 150, rgb("#474d70"), rng, Ink(_INK, 4))
        rock(canvas, side * (canvas.half - 250), 1020, 200, 84, rgb("#565c80"), rng, Ink(_INK, 4))
    flag = Stencil().line([(-canvas.half + 190, 960), (-canvas.half + 190, 560)], 8)
    canvas.cut(flag, rgb("#d8dcea"), ink=Ink(_INK, 3))
    cloth = [
        (-canvas.half + 194, 566),
        (-canvas.half + 330, 580),
        (-canvas.half + 318, 624),
        (-canvas.half + 330, 668),
        (-canvas.half + 194, 650),
    ]
    canvas.cut(Stencil().polygon(cloth), rgb("#f0883e"), ink=Ink(_INK, 3.4), edges=(Edge(rgb("#b9552a"), -30, 0),))
    corner_dots(canvas, _INK, opacity=0.3)
    vignette(canvas, rgb("#02030d"), 0.55)


SETTING = Setting(
    name="moon base",
    words=("moon base", "moon", "lunar", "outer space", "space station", "planet"),
    light=Light(tint=rgb("#cfd6ff"), rim=rgb("#9fd8ff"), bounce=rgb("#a9aec8"), shadow=rgb("#0a0c20"), strength=0.45),
    behind=_behind,
    before=_before,
)
