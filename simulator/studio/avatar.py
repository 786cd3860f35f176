"""A photograph becomes a full-body comic avatar."""

from __future__ import annotations

import random

from PIL import Image

from simulator.studio.canvas import Canvas, Stencil, grow
from simulator.studio.figure.body import FEET_Y, INK, Outfit, draw_body
from simulator.studio.filters import image_of, mask_of
from simulator.studio.likeness.clothes import read_colouring
from simulator.studio.likeness.cutout import cut_head
from simulator.studio.likeness.faces import find_face
from simulator.studio.likeness.ink import drawn_head
from simulator.studio.pictures import check_size, cover, on_paper, png_bytes, read_picture
from simulator.studio.words import seeded

PAPER = (236, 234, 230)
_FINDING_PX = 160
_HEAD_UNITS = 430.0
_CHIN_Y = 486.0


def make_avatar(photo: bytes, *, prompt: str, size_px: tuple[int, int], seed: int) -> bytes:
    """Return a PNG of `size_px`: the photo's person as a comic figure, head to feet, on a plain light ground.

    Equal arguments give equal bytes. Raises ValueError when `photo` cannot be read or the size cannot be drawn.
    """
    check_size(size_px)
    source = on_paper(read_picture(photo, role="photo"))
    side = min(max(size_px), 1536)
    picture = _draw(source, seeded(prompt, seed), side)
    return png_bytes(_framed(picture, size_px))


def _framed(picture: Image.Image, size_px: tuple[int, int]) -> Image.Image:
    """Return the square picture whole on a ground of `size_px`."""
    if picture.size == size_px:
        return picture
    side = min(size_px)
    ground = Image.new("RGB", size_px, PAPER)
    whole = cover(picture, (side, side))
    ground.paste(whole, ((size_px[0] - side) // 2, (size_px[1] - side) // 2))
    return ground


def _draw(source: Image.Image, rng: random.Random, side_px: int) -> Image.Image:
    small = source.copy()
    small.thumbnail((_FINDING_PX, _FINDING_PX), Image.Resampling.BOX)
    face = find_face(small).scaled(source.width / small.width)
    canvas = Canvas((side_px, side_px), PAPER)
    canvas.cut(Stencil().ellipse(8, FEET_Y + 2, 190, 18), (120, 116, 122), blur=12, opacity=0.55)
    draw_body(canvas, read_colouring(source, face), Outfit("zip", rng.choice(("star", "bolt", "diamond"))))
    pixels, mask = drawn_head(cut_head(source, face), round(_HEAD_UNITS * 1.5 * canvas.scale))
    _place_head(canvas, image_of(pixels), mask_of(mask))
    return canvas.image


def _place_head(canvas: Canvas, drawn: Image.Image, mask: Image.Image) -> None:
    """Paste the head with an ink outline, scaled so that any head, whatever its cut, is as high as the next."""
    bounds = mask.getbbox() or (0, 0, *mask.size)
    drawn, mask = drawn.crop(bounds), mask.crop(bounds)
    factor = _HEAD_UNITS * canvas.scale / mask.height
    factor = min(factor, 460 * canvas.scale / mask.width)
    size = (round(mask.width * factor), round(mask.height * factor))
    drawn, mask = drawn.resize(size, Image.Resampling.LANCZOS), mask.resize(size, Image.Resampling.LANCZOS)
    x, y = canvas.px(0, _CHIN_Y)
    pad = 16
    wide = Image.new("L", (size[0] + 2 * pad, size[1] + 2 * pad), 0)
    wide.paste(mask, (pad, pad))
    left, top = round(x - size[0] / 2), round(y - size[1])
    box = (left - pad, top - pad, left - pad + wide.width, top - pad + wide.height)
    canvas.paste(INK, grow(wide, 5 * canvas.scale), box)
    canvas.image.paste(drawn, (left, top), mask)
