"""The drawing board: shapes cut like paper, with ink edges, a shaded side and soft shadows, in units and not pixels.

A canvas is 1000 units high; x is 0 in the middle and grows to the right, y is 0 at the top. Shapes are gathered in a
`Stencil`, drawn at twice the size within their own bounds and reduced, so edges are smooth and small shapes cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from simulator.studio.colours import Colour
from simulator.studio.curves import Point
from simulator.studio.filters import Plane, mask_of

HEIGHT_UNITS = 1000.0
_OVERSAMPLING = 2
Paint = Colour | Image.Image
Box = tuple[int, int, int, int]


@dataclass(slots=True)
class Stencil:
    """Shapes to be painted as one. Later shapes lie on earlier ones; a shape with `hole` cuts out."""

    shapes: list[tuple[str, list[Point], float, int]] = field(default_factory=list)

    def polygon(self, points: Iterable[Point], *, hole: bool = False) -> Stencil:
        """Add the area within `points`."""
        self.shapes.append(("polygon", list(points), 0.0, 0 if hole else 255))
        return self

    def ellipse(self, x: float, y: float, across: float, down: float, *, hole: bool = False) -> Stencil:
        """Add an ellipse around (x, y) with the given half-axes."""
        corners = [(x - across, y - down), (x + across, y + down)]
        self.shapes.append(("ellipse", corners, 0.0, 0 if hole else 255))
        return self

    def line(self, points: Iterable[Point], width: float, *, hole: bool = False) -> Stencil:
        """Add a stroke along `points` with round joints and ends."""
        self.shapes.append(("line", list(points), width, 0 if hole else 255))
        return self

    def rectangle(self, left: float, top: float, right: float, bottom: float, *, hole: bool = False) -> Stencil:
        """Add an upright rectangle."""
        return self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], hole=hole)


@dataclass(frozen=True, slots=True)
class Ink:
    """An outline: its colour, its width in units, and how much heavier it is on the lower right."""

    colour: Colour
    width: float = 3.0
    weight: float = 0.35


@dataclass(frozen=True, slots=True)
class Edge:
    """A band along one side of a shape: `colour` on the side that (dx, dy), in units, points away from."""

    colour: Colour
    dx: float
    dy: float
    opacity: float = 1.0


class Canvas:
    """A picture being painted."""

    def __init__(self, size_px: tuple[int, int], ground: Colour = (255, 255, 255)) -> None:
        self.image = Image.new("RGB", size_px, ground)
        self.scale = size_px[1] / HEIGHT_UNITS
        self.half = size_px[0] / self.scale / 2

    @property
    def size(self) -> tuple[int, int]:
        """The picture's width and height in pixels."""
        return self.image.size

    def px(self, x: float, y: float) -> Point:
        """Return the place in pixels."""
        return (x + self.half) * self.scale, y * self.scale

    def cut(
        self,
        stencil: Stencil,
        paint: Paint,
        *,
        ink: Ink | None = None,
        edges: Sequence[Edge] = (),
        shadow: float = 0.0,
        opacity: float = 1.0,
        blur: float = 0.0,
    ) -> None:
        """Paint the stencil. `paint` may be a picture as large as the canvas; `blur` and widths are units.

        `shadow` is the darkness, 0 to 1, of a soft shadow cast on what is behind.
        """
        widest = max([12 * shadow, blur * 3, ink.width * 2 if ink else 0.0, *(abs(e.dx) + abs(e.dy) for e in edges)])
        raster = self._raster(stencil, widest + 4)
        if raster is None:
            return
        mask, box = raster
        if shadow:
            self._cast(mask, box, shadow)
        if ink:
            self._outline(mask, box, ink)
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * self.scale))
        self.paste(paint, mask, box, opacity)
        for edge in edges:
            self.paste(edge.colour, self._side(mask, edge), box, edge.opacity)

    def paste(self, paint: Paint, mask: Image.Image, box: Box, opacity: float = 1.0) -> None:
        """Paint through an 8-bit mask that fills `box`, which is in pixels and may overlap the border."""
        faded = mask if opacity >= 1 else mask.point(lambda value: round(value * opacity))
        source = paint.crop(box) if isinstance(paint, Image.Image) else paint
        self.image.paste(source, box, faded)

    def lay(self, paint: Paint, amount: Plane) -> None:
        """Paint over the whole picture, as opaque at each place as `amount` (any size, 0 to 1) says."""
        mask = mask_of(amount)
        if mask.size != self.size:
            mask = mask.resize(self.size, Image.Resampling.BICUBIC)
        self.paste(paint, mask, (0, 0, *self.size))

    def mask(self, stencil: Stencil, blur: float = 0.0) -> Image.Image:
        """Return the stencil as a mask as large as the picture."""
        whole = Image.new("L", self.size, 0)
        raster = self._raster(stencil, blur * 3 + 2)
        if raster is not None:
            mask, box = raster
            if blur:
                mask = mask.filter(ImageFilter.GaussianBlur(blur * self.scale))
            whole.paste(mask, box)
        return whole

    def _raster(self, stencil: Stencil, pad: float) -> tuple[Image.Image, Box] | None:
        box = self._bounds(stencil, pad)
        if box is None:
            return None
        size = ((box[2] - box[0]) * _OVERSAMPLING, (box[3] - box[1]) * _OVERSAMPLING)
        large = Image.new("L", size, 0)
        draw, zoom = ImageDraw.Draw(large), self.scale * _OVERSAMPLING
        shift_x, shift_y = self.half * zoom - box[0] * _OVERSAMPLING, -box[1] * _OVERSAMPLING
        for kind, points, width, value in stencil.shapes:
            placed = [(x * zoom + shift_x, y * zoom + shift_y) for x, y in points]
            _draw(draw, kind, placed, width * zoom, value)
        return large.reduce(_OVERSAMPLING), box

    def _bounds(self, stencil: Stencil, pad: float) -> Box | None:
        """Return the pixels that the shapes can touch within the picture's neighbourhood, or None when none."""
        if not stencil.shapes:
            return None
        corners = np.array([p for _, points, _, _ in stencil.shapes for p in points], dtype=np.float64)
        reach = pad + max(width for _, _, width, _ in stencil.shapes)
        low, high = corners.min(0) - reach, corners.max(0) + reach
        left, top = self.px(max(low[0], -self.half - pad), max(low[1], -pad))
        right, bottom = self.px(min(high[0], self.half + pad), min(high[1], HEIGHT_UNITS + pad))
        box = (int(np.floor(left)), int(np.floor(top)), int(np.ceil(right)), int(np.ceil(bottom)))
        return box if box[2] - box[0] > 0 and box[3] - box[1] > 0 else None

    def _cast(self, mask: Image.Image, box: Box, darkness: float) -> None:
        soft = moved(mask, round(2 * self.scale), round(6 * self.scale))
        self.paste((12, 8, 24), soft.filter(ImageFilter.GaussianBlur(7 * self.scale)), box, darkness)

    def _outline(self, mask: Image.Image, box: Box, ink: Ink) -> None:
        """Paint the grown mask, which the shape itself then covers: only the rim is left."""
        width = ink.width * self.scale
        heavy = round(width * ink.weight)
        grown = moved(grow(mask, width), heavy, heavy) if heavy else grow(mask, width)
        self.paste(ink.colour, ImageChops.lighter(grown, grow(mask, width * 0.7)), box)

    def _side(self, mask: Image.Image, edge: Edge) -> Image.Image:
        beside = moved(mask, round(edge.dx * self.scale), round(edge.dy * self.scale))
        return ImageChops.darker(mask, ImageChops.invert(beside))


def moved(mask: Image.Image, dx_px: int, dy_px: int) -> Image.Image:
    """Return the mask moved right and down, nothing coming in from the other side."""
    blank = Image.new("L", mask.size, 0)
    blank.paste(mask, (dx_px, dy_px))
    return blank


def grow(mask: Image.Image, width_px: float) -> Image.Image:
    """Return the mask grown by about `width_px`, its edge still smooth."""
    soft = mask.filter(ImageFilter.GaussianBlur(max(0.4, width_px * 0.62)))
    slope = max(2.0, width_px)
    return soft.point(lambda value: max(0, min(255, round((value - 14) * slope))))


def _draw(draw: ImageDraw.ImageDraw, kind: str, points: list[Point], width_px: float, value: int) -> None:
    if kind == "polygon" and len(points) > 2:
        draw.polygon(points, fill=value)
    elif kind == "ellipse":
        draw.ellipse([points[0], points[1]], fill=value)
    elif kind == "line":
        draw.line(points, fill=value, width=max(1, round(width_px)), joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse([x - width_px / 2, y - width_px / 2, x + width_px / 2, y + width_px / 2], fill=value)
