"""A drawn body from collar to shoes, in the colours of a photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.studio.canvas import Canvas, Edge, Ink, Stencil
from simulator.studio.colours import Colour, lightness_of, mix, toned
from simulator.studio.curves import Point, closed_curve, limb, open_curve
from simulator.studio.likeness.clothes import Colouring

INK: Colour = (28, 20, 34)
FEET_Y = 928.0
_OUTLINE = Ink(INK, 5.0)
_FINE = 2.6
# Cream, not white: against the avatar's paper white would be taken for ground when the figure is cut out.
_SOLE: Colour = (242, 228, 196)


@dataclass(frozen=True, slots=True)
class Outfit:
    """The proportions that vary between bodies: drawn from the seed, so that one photograph has one wardrobe a seed."""

    jacket: str
    emblem: str


def draw_body(canvas: Canvas, colours: Colouring, outfit: Outfit) -> None:
    """Draw the body, standing at `FEET_Y` with its collar at about y = 470, around x = 0."""
    for side in (-1, 1):
        _leg(canvas, colours, side)
        _shoe(canvas, colours, side)
    for side in (-1, 1):
        _arm(canvas, colours, side)
    _neck(canvas, colours)
    _torso(canvas, colours, outfit)


def _shaded(canvas: Canvas, stencil: Stencil, colour: Colour, *, depth: float = 16.0, ink: Ink = _OUTLINE) -> None:
    """Cut a shape with a comic's two tones: a dark band on the lower right and a thin light one on the upper left."""
    dark = mix(toned(colour, lightness=0.66, saturation=1.05), (40, 26, 78), 0.18)
    light = mix(colour, (255, 255, 250), 0.34)
    canvas.cut(
        stencil,
        colour,
        ink=ink,
        edges=(Edge(dark, -depth, -depth * 0.55), Edge(light, 5, 4, 0.75)),
    )


def _mirrored(points: Sequence[tuple[float, float]], side: int) -> list[Point]:
    return [(x * side, y) for x, y in points]


def _leg(canvas: Canvas, colours: Colouring, side: int) -> None:
    hip, knee, ankle = (side * 46.0, 650.0), (side * 60.0, 770.0), (side * 72.0, 888.0)
    _shaded(canvas, Stencil().polygon(limb([hip, knee, ankle], [104, 86, 74])), colours.trousers, depth=20)
    folds = Stencil()
    folds.line(open_curve(_mirrored([(38, 772), (58, 782), (82, 778)], side)), _FINE)
    folds.line(open_curve(_mirrored([(44, 862), (66, 872), (96, 864)], side)), _FINE)
    folds.line(open_curve(_mirrored([(22, 690), (44, 704), (52, 708)], side)), _FINE)
    canvas.cut(folds, INK)


def _shoe(canvas: Canvas, colours: Colouring, side: int) -> None:
    upper = [(38, 884), (52, 872), (92, 872), (112, 890), (142, 902), (152, 918), (140, 926), (44, 926), (34, 908)]
    _shaded(canvas, Stencil().polygon(closed_curve(_mirrored(upper, side))), colours.shoes, depth=12)
    sole = [(32, 914), (90, 917), (156, 914), (156, 928), (146, 934), (44, 934), (32, 926)]
    _shaded(canvas, Stencil().polygon(closed_curve(_mirrored(sole, side))), _SOLE, depth=6)
    laces = Stencil()
    for step in range(3):
        x, y = 78 + 13 * step, 884 + 6 * step
        laces.line(_mirrored([(x - 8, y + 8), (x + 12, y - 2)], side), 4.5)
    canvas.cut(laces, (250, 248, 244), ink=Ink(INK, 1.6, 0))


def _arm(canvas: Canvas, colours: Colouring, side: int) -> None:
    shoulder, elbow, wrist = (side * 104.0, 514.0), (side * 160.0, 600.0), (side * 170.0, 684.0)
    _hand(canvas, colours.skin, side)
    sleeve = limb([shoulder, elbow, wrist], [84, 72, 64])
    # The round end keeps the shoulder from showing the corners of the sleeve's outline.
    _shaded(canvas, Stencil().polygon(sleeve).ellipse(*shoulder, 42, 40), colours.top, depth=16)
    cuff = limb([(side * 169.0, 668.0), (side * 171.0, 692.0)], [70, 66])
    _shaded(canvas, Stencil().polygon(cuff), colours.trim, depth=10, ink=Ink(INK, 3.4))
    folds = Stencil()
    folds.line(open_curve(_mirrored([(132, 600), (152, 612), (176, 610)], side)), _FINE)
    folds.line(open_curve(_mirrored([(130, 582), (146, 590), (158, 590)], side)), _FINE)
    canvas.cut(folds, INK)


def _hand(canvas: Canvas, skin: Colour, side: int) -> None:
    palm = [(146, 690), (196, 690), (206, 716), (200, 744), (178, 756), (154, 746), (144, 718)]
    thumb = limb(_mirrored([(150, 704), (136, 722), (140, 740)], side), [22, 22, 18])
    _shaded(canvas, Stencil().polygon(closed_curve(_mirrored(palm, side))), skin, depth=9)
    _shaded(canvas, Stencil().polygon(thumb), skin, depth=5, ink=Ink(INK, 3))
    fingers = Stencil()
    for x in (166, 180, 192):
        fingers.line(_mirrored([(x, 728), (x - 1, 748)], side), 2.4)
    canvas.cut(fingers, INK)


def _neck(canvas: Canvas, colours: Colouring) -> None:
    _shaded(canvas, Stencil().polygon(limb([(0, 430), (0, 500)], [96, 110])), colours.skin, depth=26)


def _torso(canvas: Canvas, colours: Colouring, outfit: Outfit) -> None:
    body = [(-58, 474), (0, 486), (58, 474), (112, 492), (132, 530), (116, 600), (112, 690), (0, 702), (-112, 690)]
    body += [(-116, 600), (-132, 530), (-112, 492)]
    _shaded(canvas, Stencil().polygon(closed_curve(body)), colours.top, depth=24)
    hem = limb(open_curve([(-112, 684), (0, 698), (112, 684)]), [26, 26])
    _shaded(canvas, Stencil().polygon(hem), colours.trim, depth=6, ink=Ink(INK, 3.4))
    _front(canvas, colours)
    _emblem(canvas, colours, outfit)
    _collar(canvas, colours)


def _front(canvas: Canvas, colours: Colouring) -> None:
    zip_tape = Stencil().line(open_curve([(0, 500), (2, 590), (0, 692)]), 9)
    canvas.cut(zip_tape, mix(colours.trim, (240, 240, 240), 0.55), ink=Ink(INK, 2, 0))
    seams = Stencil()
    for side in (-1, 1):
        seams.line(open_curve(_mirrored([(50, 640), (74, 628), (94, 596)], side)), _FINE + 0.8)
        seams.line(open_curve(_mirrored([(92, 520), (98, 560), (100, 590)], side)), _FINE)
    canvas.cut(seams, INK)


def _emblem(canvas: Canvas, colours: Colouring, outfit: Outfit) -> None:
    canvas.cut(Stencil().ellipse(52, 560, 24, 24), colours.trim, ink=Ink(INK, 3))
    canvas.cut(Stencil().ellipse(52, 560, 17, 17), (250, 246, 236))
    canvas.cut(Stencil().polygon(emblem_points(outfit.emblem, 52, 560, 15)), colours.top, ink=Ink(INK, 1.8, 0))


def emblem_points(kind: str, x: float, y: float, radius: float) -> list[Point]:
    """Return the outline of a small emblem: a star, a bolt or a diamond."""
    shapes: dict[str, list[Point]] = {
        "bolt": [(0.15, -1), (-0.6, 0.15), (-0.05, 0.15), (-0.3, 1), (0.6, -0.25), (0.05, -0.25)],
        "diamond": [(0, -1), (0.75, 0), (0, 1), (-0.75, 0)],
        "star": [
            (0, -1), (0.24, -0.32), (0.95, -0.31), (0.38, 0.12), (0.59, 0.81),
            (0, 0.4), (-0.59, 0.81), (-0.38, 0.12), (-0.95, -0.31), (-0.24, -0.32),
        ],
    }  # fmt: skip
    return [(x + a * radius, y + b * radius) for a, b in shapes[kind]]


def _collar(canvas: Canvas, colours: Colouring) -> None:
    inner = mix(colours.top, (255, 255, 255), 0.3) if lightness_of(colours.top) < 0.4 else colours.trousers
    for side in (-1, 1):
        flap = [(4, 512), (34, 500), (66, 468), (84, 476), (70, 516), (30, 540)]
        _shaded(canvas, Stencil().polygon(_mirrored([*flap], side)), inner, depth=8, ink=Ink(INK, 3.4))
