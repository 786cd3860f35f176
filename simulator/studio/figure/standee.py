"""The avatar cut out of its plain ground, ready to be stood up in a setting like a paper figure in a diorama."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from simulator.studio.canvas import Box, Canvas, Stencil, grow, moved
from simulator.studio.colours import Colour
from simulator.studio.filters import Pixels, luma, mask_of, pixels_of, plane_of, resized, smoothstep
from simulator.studio.pictures import on_paper
from simulator.studio.regions import Mask, flooded, reached
from simulator.studio.settings.setting import Light

PAPER_EDGE: Colour = (253, 249, 240)
PAPER_EDGE_UNITS = 8.0
_KEYING_PX = 512


def cut_out(avatar: Image.Image) -> Image.Image:
    """Return the figure as RGBA, cropped to its bounds; the whole picture when no plain ground can be told apart."""
    if avatar.mode == "RGBA" and float(plane_of(avatar.getchannel("A")).min()) < 0.125:
        figure = avatar
    else:
        figure = on_paper(avatar).convert("RGBA")
        figure.putalpha(_key(on_paper(avatar)))
    solid = figure.getchannel("A").point(lambda value: 255 if value > 40 else 0)
    bounds = solid.getbbox()
    return figure.crop(bounds) if bounds else on_paper(avatar).convert("RGBA")


def _key(picture: Image.Image) -> Image.Image:
    """Return the figure's mask: what the ground's colour, flooding in from the border, does not reach."""
    block = max(1, round(max(picture.size) / _KEYING_PX))
    pixels = _darkest_of_blocks(pixels_of(picture), block)
    figure = _largest_part(~flooded(_like_the_ground(pixels), seal_px=2))
    share = float(figure.mean())
    if not 0.02 < share < 0.9:
        return Image.new("L", picture.size, 255)
    soft = mask_of(figure.astype(np.float32)).filter(ImageFilter.GaussianBlur(1.1))
    smooth = resized(plane_of(soft), picture.size)
    # Reducing to the darkest pixels has grown the figure, which this takes back.
    low, high = (0.5, 0.78) if block > 1 else (0.3, 0.6)
    return mask_of(smoothstep(low, high, smooth))


def _darkest_of_blocks(pixels: Pixels, block: int) -> Pixels:
    """Return the picture reduced to the darkest pixel of each block: no ink line is then too thin to stop a flood."""
    rows, columns = pixels.shape[0] // block, pixels.shape[1] // block
    blocks = pixels[: rows * block, : columns * block].reshape(rows, block, columns, block, 3)
    darkest: Pixels = blocks.transpose(0, 2, 1, 3, 4).reshape(rows, columns, -1, 3).min(axis=2)
    return darkest


def _like_the_ground(pixels: Pixels) -> Mask:
    """Return which pixels could be ground: the border's colour, or that colour under a soft shadow."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(border, axis=0)
    bright, level = luma(pixels), float(luma(ground[None, None])[0, 0])
    shade = np.clip(bright / max(level, 0.05), 0.64, 1.1)[..., None]
    off_colour = np.abs(pixels - ground * shade).max(axis=-1)
    tolerance = 0.05 + 1.2 * float(np.abs(border - ground).mean())
    alike: Mask = off_colour < min(tolerance, 0.16)
    return alike


def _largest_part(figure: Mask) -> Mask:
    """Return the part joined to the picture's middle column, without specks left over at the sides."""
    middle = np.zeros_like(figure)
    width = figure.shape[1]
    middle[:, int(width * 0.42) : max(int(width * 0.58), int(width * 0.42) + 1)] = True
    joined = reached(figure, middle & figure)
    return joined if joined.any() else figure


@dataclass(frozen=True, slots=True)
class Standee:
    """A figure that was put on a canvas: its place in pixels, its look there and its masks within that place."""

    box: Box
    look: Image.Image
    figure: Image.Image
    edge: Image.Image

    def show(self, canvas: Canvas) -> None:
        """Clear mist and dots off the figure: half off the figure, all off its paper edge and seam."""
        canvas.paste(_within(self.look, self.box, canvas.size), self.edge, self.box)
        canvas.paste(_within(self.look, self.box, canvas.size), self.figure, self.box, 0.65)


def _within(look: Image.Image, box: Box, size_px: tuple[int, int]) -> Image.Image:
    whole = Image.new("RGB", size_px)
    whole.paste(look, box[:2])
    return whole


def stand(canvas: Canvas, figure: Image.Image, light: Light, *, feet_y: float, height: float, widest: float) -> Standee:
    """Put the figure on the canvas, lit and tinted by its setting, with a paper edge and a shadow at its feet."""
    factor = min(height * canvas.scale / figure.height, widest * canvas.scale / figure.width)
    size = (max(1, round(figure.width * factor)), max(1, round(figure.height * factor)))
    placed = figure.resize(size, Image.Resampling.LANCZOS)
    pad = max(2, round(26 * canvas.scale))
    mask = Image.new("L", (size[0] + 2 * pad, size[1] + 2 * pad), 0)
    mask.paste(placed.getchannel("A"), (pad, pad))
    centre_x, foot_y = canvas.px(0, feet_y)
    left, top = round(centre_x - size[0] / 2) - pad, round(foot_y - size[1]) - pad
    box = (left, top, left + mask.width, top + mask.height)
    _cast_shadow(canvas, size, feet_y, light)
    soft = moved(mask, pad // 4, pad // 4).filter(ImageFilter.GaussianBlur(pad / 4))
    canvas.paste(light.shadow, soft, box, 0.5)
    edge = grow(mask, PAPER_EDGE_UNITS * canvas.scale)
    # Without a dark seam all round, the paper edge would melt into snow and clouds.
    seam = grow(edge, 10 * canvas.scale).filter(ImageFilter.GaussianBlur(2.2 * canvas.scale))
    canvas.paste(light.shadow, seam, box, 0.5)
    canvas.paste(PAPER_EDGE, edge, box)
    canvas.image.paste(_lit(placed, light), (left + pad, top + pad), placed.getchannel("A"))
    _rim(canvas, mask, box, light)
    ring = ImageChops.darker(ImageChops.lighter(edge, seam), ImageChops.invert(mask))
    return Standee(box, canvas.image.crop(box), mask, ring)


def _cast_shadow(canvas: Canvas, size: tuple[int, int], feet_y: float, light: Light) -> None:
    half = size[0] / canvas.scale / 2
    canvas.cut(Stencil().ellipse(14, feet_y + 2, half * 1.15, 26), light.shadow, blur=14, opacity=0.55)
    canvas.cut(Stencil().ellipse(4, feet_y - 2, half * 0.85, 12), light.shadow, blur=5, opacity=0.6)


def _lit(figure: Image.Image, light: Light) -> Image.Image:
    """Return the figure's colours under the setting's light: tinted as a whole, and more so towards the ground."""
    colours = figure.convert("RGB")
    tinted = ImageChops.multiply(colours, Image.new("RGB", colours.size, light.tint))
    whole = Image.blend(colours, tinted, light.strength)
    ramp = Image.linear_gradient("L").resize(colours.size).point(lambda value: round(max(0, value - 90) * 0.5))
    ground = ImageChops.multiply(whole, Image.new("RGB", colours.size, light.bounce))
    return Image.composite(ground, whole, ramp)


def _rim(canvas: Canvas, mask: Image.Image, box: Box, light: Light) -> None:
    """Lay a glowing band on the side of the figure that the setting's light comes from."""
    shift = round(11 * canvas.scale)
    inner = moved(mask, -light.side * shift, round(shift * 0.4))
    band = ImageChops.darker(mask, ImageChops.invert(inner)).filter(ImageFilter.GaussianBlur(2.4 * canvas.scale))
    canvas.paste(light.rim, ImageChops.darker(band, mask), box, 0.75)
