"""An avatar stands in a drawn setting."""

from __future__ import annotations

import re

from simulator.studio.canvas import Canvas
from simulator.studio.figure.standee import cut_out, stand
from simulator.studio.pictures import check_size, cover, png_bytes, read_picture
from simulator.studio.settings import names_a_setting, setting_for
from simulator.studio.words import seeded

FEET_Y = 884.0
_HEIGHT = 668.0
_WIDEST = 480.0
_PROPORTION = 1.5
_LARGEST_HEIGHT_PX = 1536
_SCENE_PHRASES = ("scene", "setting", "background", "environment", "backdrop", "16:9", "standing in")
_FIRST_IMAGE = re.compile(r"image 1\b[^.;\n]{0,40}?\b(avatar|character|figure|selfie|photo|portrait|person)")
_AVATAR_PHRASES = ("selfie", "plain background", "neutral background", "full body avatar")


def make_scene(avatar: bytes, *, prompt: str, size_px: tuple[int, int], seed: int) -> bytes:
    """Return a PNG of `size_px`: the avatar in the setting that the prompt names, whole, in the centre third.

    Equal arguments give equal bytes. Raises ValueError when `avatar` cannot be read or the size cannot be drawn.
    """
    check_size(size_px)
    figure = cut_out(read_picture(avatar, role="avatar"))
    setting, rng = setting_for(prompt), seeded(prompt, seed)
    canvas = Canvas(_canvas_size(size_px))
    setting.behind(canvas, rng)
    standee = stand(canvas, figure, setting.light, feet_y=FEET_Y, height=_HEIGHT, widest=_WIDEST)
    setting.before(canvas, rng)
    standee.show(canvas)
    return png_bytes(cover(canvas.image, size_px))


def _canvas_size(size_px: tuple[int, int]) -> tuple[int, int]:
    """Return the size to paint at: always 3:2, which is what settings are composed for, and covering `size_px`."""
    height = max(size_px[1], size_px[0] / _PROPORTION)
    height = min(max(height, 192.0), _LARGEST_HEIGHT_PX)
    return round(height * _PROPORTION), round(height)


def wants_scene(prompt: str) -> bool:
    """Return whether an image prompt asks for a scene around an avatar and not for an avatar of a selfie."""
    text = " ".join(prompt.lower().split())
    first_image = _FIRST_IMAGE.search(text)
    if first_image:
        return first_image[1] in {"avatar", "character", "figure"}
    if any(phrase in text for phrase in _AVATAR_PHRASES):
        return False
    return any(phrase in text for phrase in _SCENE_PHRASES) or names_a_setting(prompt)
