"""The figure in a scene: where it is, cut out of its setting, and the setting without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from simulator.studio.canvas import grow
from simulator.studio.figure.standee import PAPER_EDGE
from simulator.studio.filters import Pixels, Plane, image_of, mask_of, pixels_of, plane_of, smoothstep
from simulator.studio.regions import Mask, flooded, reached, spread

_SEARCH_HEIGHT_PX = 720
_BRIDGE_PX = 4


@dataclass(frozen=True, slots=True)
class Actor:
    """A figure of a scene. `box` holds it in the scene's pixels; `figure` is that box as RGBA, `plate` the rest.

    `is_cut` says whether the outline was found. Where it was not, `plate` is the scene itself and the figure has to
    be moved by bending the picture around it.
    """

    box: tuple[int, int, int, int]
    figure: Image.Image
    plate: Image.Image
    is_cut: bool


def find_actor(scene: Image.Image) -> Actor:
    """Return the figure standing in the middle of the scene."""
    factor = min(1.0, _SEARCH_HEIGHT_PX / scene.height)
    size = (max(8, round(scene.width * factor)), max(8, round(scene.height * factor)))
    pixels = pixels_of(scene.resize(size, Image.Resampling.BICUBIC))
    # A whole edge stops the flood as it is; sealing helps a frayed one, but also closes the narrow seam beside snow.
    tries = (_within_paper_edge(pixels, seal_px) for seal_px in (0, 1))
    mask = next((mask for mask in tries if _is_figure(mask)), None)
    if mask is None:
        return _assumed(scene)
    smooth = mask_of(mask.astype(np.float32)).filter(ImageFilter.GaussianBlur(1.0))
    full = plane_of(smooth.resize(scene.size, Image.Resampling.BICUBIC))
    return _cut(scene, mask_of(smoothstep(0.3, 0.7, full)))


def _within_paper_edge(pixels: Pixels, seal_px: int) -> Mask:
    """Return what the paper-white line around a standing figure encloses, the line included."""
    paper = np.array(PAPER_EDGE, dtype=np.float32) / 255
    edge = np.abs(pixels - paper).max(axis=-1) < 0.11
    enclosed = ~flooded(~edge, seal_px=seal_px)
    height, width = enclosed.shape
    middle = np.zeros_like(enclosed)
    middle[int(height * 0.25) : int(height * 0.75), int(width * 0.46) : int(width * 0.54)] = True
    # Bridges of a few pixels, where the edge touches snow or a cloud, would bring all of that along.
    solid = ~spread(~enclosed, _BRIDGE_PX)
    return spread(reached(solid, middle & solid), _BRIDGE_PX + 1) & enclosed


def _is_figure(mask: Mask) -> bool:
    """Return whether the mask has a standing figure's size and place."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return False
    height, width = mask.shape
    tall, wide = (rows[-1] - rows[0]) / height, (columns[-1] - columns[0]) / width
    return bool(tall > 0.45 and wide < 0.5 and 0.05 < mask.mean() < 0.35)


def _cut(scene: Image.Image, mask: Image.Image) -> Actor:
    left, top, right, bottom = mask.getbbox() or (0, 0, *scene.size)
    seam = max(2, scene.height // 80)
    margin = 3 * seam
    box = (
        max(0, left - margin),
        max(0, top - margin),
        min(scene.width, right + margin),
        min(scene.height, bottom + margin),
    )
    figure = scene.crop(box)
    # The dark seam around the paper edge goes along, fading out, or the film would start by losing it.
    faded = grow(mask.crop(box), seam).filter(ImageFilter.GaussianBlur(seam / 2))
    figure.putalpha(ImageChops.lighter(mask.crop(box), faded))
    return Actor(box, figure, _without(scene, mask, box), is_cut=True)


def _assumed(scene: Image.Image) -> Actor:
    """Return an actor of whom only a usual figure's place is known."""
    width, height = scene.size
    half = min(width * 0.2, height * 0.32)
    box = (round(width / 2 - half), round(height * 0.06), round(width / 2 + half), round(height * 0.93))
    return Actor(box, scene.crop(box).convert("RGBA"), scene, is_cut=False)


def _without(scene: Image.Image, mask: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Return the scene with the figure painted over by what surrounds it, blurred in from all sides."""
    reach = max(4, scene.height // 60)
    wide = (box[0] - 6 * reach, box[1] - 6 * reach, box[2] + 6 * reach, box[3] + 6 * reach)
    frame = (max(0, wide[0]), max(0, wide[1]), min(scene.width, wide[2]), min(scene.height, wide[3]))
    hole = mask.crop(frame).filter(ImageFilter.GaussianBlur(reach / 2)).point(lambda value: 255 if value > 2 else 0)
    filled = _filled(scene.crop(frame), hole)
    plate = scene.copy()
    plate.paste(filled, frame[:2], hole.filter(ImageFilter.GaussianBlur(1.5)))
    return plate


def _filled(part: Image.Image, hole: Image.Image) -> Image.Image:
    """Return the part with its hole filled from ever coarser means of the known pixels (push and pull)."""
    known = (plane_of(hole) < 0.5).astype(np.float32)
    levels: list[tuple[Pixels, Plane]] = [(pixels_of(part) * known[..., None], known)]
    while min(levels[-1][1].shape) > 3:
        levels.append(_halved(*levels[-1]))
    colours: Pixels = (levels[-1][0] / np.maximum(levels[-1][1], 1e-4)[..., None]).astype(np.float32)
    for weighted, weight in reversed(levels[:-1]):
        size = (weight.shape[1], weight.shape[0])
        coarse = pixels_of(image_of(colours).resize(size, Image.Resampling.BICUBIC))
        colours = (weighted + coarse * (1 - weight)[..., None]).astype(np.float32)
    return image_of(colours)


def _halved(weighted: Pixels, weight: Plane) -> tuple[Pixels, Plane]:
    rows, columns = (weight.shape[0] + 1) // 2 * 2, (weight.shape[1] + 1) // 2 * 2
    pad = ((0, rows - weight.shape[0]), (0, columns - weight.shape[1]))
    colours = np.pad(weighted, (*pad, (0, 0))).reshape(rows // 2, 2, columns // 2, 2, 3).sum(axis=(1, 3))
    total = np.pad(weight, pad).reshape(rows // 2, 2, columns // 2, 2).sum(axis=(1, 3))
    share = np.minimum(total, 1)
    return colours / np.maximum(total, 1e-4)[..., None] * share[..., None], share
