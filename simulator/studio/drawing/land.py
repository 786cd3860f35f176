"""Land and clouds: ridges, ground, rocks, paths."""

from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageChops

from simulator.studio.canvas import Canvas, Edge, Ink, Paint, Stencil
from simulator.studio.colours import Colour, mix, toned
from simulator.studio.curves import Point, closed_curve, open_curve
from simulator.studio.drawing.air import Stops, gradient, numbers
from simulator.studio.filters import image_of
from simulator.studio.noise import fractal, profile

FLOOR = 1012.0


def ridge_points(
    canvas: Canvas, base: float, height: float, rng: random.Random, *, cells: int = 4, roughness: float = 0.5
) -> list[Point]:
    """Return a ridge line from side to side that swings by `height` around `base`."""
    count = 180
    line = profile(count, cells, numbers(rng), roughness=roughness)
    side = canvas.half + 10
    return [(-side + 2 * side * i / (count - 1), base - height * float(line[i])) for i in range(count)]


def down_to_floor(line: list[Point]) -> list[Point]:
    """Return the area under a line."""
    return [*line, (line[-1][0], FLOOR), (line[0][0], FLOOR)]


def ridge(
    canvas: Canvas,
    base: float,
    height: float,
    colour: Colour,
    rng: random.Random,
    *,
    cells: int = 4,
    roughness: float = 0.5,
    ink: Ink | None = None,
    rim: Colour | None = None,
    paint: Paint | None = None,
    shadow: float = 0.0,
) -> list[Point]:
    """Paint a range of hills or mountains down to the floor, and return its line."""
    line = ridge_points(canvas, base, height, rng, cells=cells, roughness=roughness)
    edges = (Edge(rim, 0, 6, 0.8),) if rim else ()
    canvas.cut(Stencil().polygon(down_to_floor(line)), paint or colour, ink=ink, edges=edges, shadow=shadow)
    return line


def textured(canvas: Canvas, stops: Stops, rng: random.Random, *, grain: float = 0.16, cells: int = 26) -> Image.Image:
    """Return a gradient with uneven tones in it, stretched sideways as ground seen from a low eye is."""
    noise = fractal((256, 256), cells, numbers(rng), octaves=3)
    stretched = image_of(np.repeat((0.5 + (noise - 0.5) * grain)[..., None], 3, -1))
    width, height = canvas.size
    grey = stretched.crop((0, 0, 64, 256)).resize((width, height), Image.Resampling.BICUBIC)
    return ImageChops.overlay(gradient(canvas, stops), grey)


def ground(
    canvas: Canvas, top: float, stops: Stops, rng: random.Random, *, ink: Ink | None = None, swell: float = 8
) -> None:
    """Paint the ground the figure stands on, from a gently uneven edge at `top` to the floor."""
    line = ridge_points(canvas, top, swell, rng, cells=3, roughness=0.35)
    canvas.cut(Stencil().polygon(down_to_floor(line)), textured(canvas, stops, rng), ink=ink, shadow=0.3)


def path(
    canvas: Canvas, top: float, paint: Colour, rng: random.Random, *, width: float = 420, edge: Colour | None = None
) -> None:
    """Paint a winding path that widens from a point at `top` towards the viewer."""
    left: list[Point] = []
    right: list[Point] = []
    bend, phase = rng.uniform(110, 170), rng.choice((0.6, 3.7))
    for step in range(13):
        t = step / 12
        y, half = top + (FLOOR - top) * t, 16 + width * t**1.35
        middle = bend * math.sin(phase + t * 4.6) * (1 - t) ** 1.1
        left.append((middle - half, y))
        right.append((middle + half, y))
    area = Stencil().polygon([*open_curve(left, 6), *reversed(open_curve(right, 6))])
    canvas.cut(area, paint, edges=(Edge(edge or toned(paint, lightness=0.8), 10, 0, 0.7),), opacity=0.92)


def bumpy(
    x: float, y: float, across: float, down: float, rng: random.Random, *, bumps: int = 9, depth: float = 0.16
) -> list[Point]:
    """Return a round lobed outline: foliage, a bush, a boulder."""
    points: list[Point] = []
    for number in range(bumps * 2):
        angle = number * math.tau / (bumps * 2) + rng.uniform(-0.06, 0.06)
        reach = 1 + (depth if number % 2 == 0 else -depth) * rng.uniform(0.5, 1)
        points.append((x + across * reach * math.cos(angle), y + down * reach * math.sin(angle)))
    return closed_curve(points, 6)


def rock(
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
    height: float,
    colour: Colour,
    rng: random.Random,
    ink: Ink | None = None,
) -> None:
    """Paint a faceted rock standing on y."""
    outline: list[Point] = [(x - width / 2, y)]
    for share in (0.08, 0.3, 0.55, 0.8, 0.96):
        lift = math.sin(math.pi * min(0.94, max(0.1, share))) ** 0.6 * rng.uniform(0.8, 1.06)
        outline.append((x - width / 2 + width * share, y - height * lift))
    outline.append((x + width / 2, y))
    dark, light = toned(colour, lightness=0.66), mix(colour, (255, 255, 255), 0.22)
    edges = (Edge(dark, -width * 0.16, -height * 0.1), Edge(light, 6, 6, 0.8))
    canvas.cut(Stencil().polygon(outline), colour, ink=ink, edges=edges, shadow=0.35)


def cloud(
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
    rng: random.Random,
    *,
    colour: Colour,
    shade: Colour,
    opacity: float = 1.0,
    ink: Ink | None = None,
) -> None:
    """Paint a heap of cloud with a flat foot at y."""
    puffs = Stencil()
    count = max(4, round(width / 46))
    for number in range(count):
        t = (number + 0.5) / count
        size = width * 0.17 * (0.45 + math.sin(math.pi * t)) * rng.uniform(0.8, 1.15)
        puffs.ellipse(x - width / 2 + width * t, y - size * 0.55, size, size * 0.86)
    puffs.rectangle(x - width, y + width * 0.02, x + width, y + width, hole=True)
    canvas.cut(puffs, colour, ink=ink, edges=(Edge(shade, -width * 0.02, -width * 0.07, 0.75),), opacity=opacity)


def tufts(
    canvas: Canvas, colour: Colour, rng: random.Random, *, count: int, top: float, bottom: float, size: float = 26
) -> None:
    """Paint tufts of grass, larger towards the viewer, thinner where the figure stands."""
    blades = Stencil()
    for _ in range(count):
        y = top + (bottom - top) * rng.random() ** 0.8
        x = rng.uniform(-canvas.half, canvas.half)
        near = 0.4 + (y - 600) / 400
        for _ in range(5):
            lean, tall = rng.uniform(-0.6, 0.6), size * near * rng.uniform(0.6, 1.2)
            blades.polygon([(x - 2.4 * near, y), (x + lean * tall, y - tall), (x + 2.4 * near, y)])
    canvas.cut(blades, colour)
