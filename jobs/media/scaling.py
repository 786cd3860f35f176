"""Scales pictures: in linear light where the mean of many pixels becomes one. Runs in the child process only."""

from __future__ import annotations

from typing import Any, Final

from PIL import Image, ImageMath

LANCZOS: Final = Image.Resampling.LANCZOS
Size = tuple[int, int]
Box = tuple[float, float, float, float]

# Below this factor hardly a pixel is the mean of others, and the difference cannot be seen.
LINEAR_FROM_FACTOR: Final = 2.0
# Each channel is four bytes a pixel in linear light, several times over: more would not fit into the child's memory.
LINEAR_PIXELS_MAX: Final = 10_000_000
# The power that comes closest to sRGB's curve; what goes there and back stays the same.
GAMMA: Final = 2.2
# Beyond this factor, whole blocks of pixels become their means first. The copy of 320 pixels takes a third of the time
# for it, and differs by two thirds of a step of 255.
REDUCING_GAP: Final = 3.0
# The light of each byte: looking it up takes a twentieth of the time of calculating it for each pixel.
LIGHT: Final = [(byte / 255) ** GAMMA for byte in range(256)]


def scaled(image: Image.Image, size: Size, box: Box | None = None) -> Image.Image:
    """Return the picture, or the part of it in `box`, at another size.

    In linear light where an opaque picture shrinks by two or more: the mean of black and white stripes is otherwise too
    dark, as stars, hair and fine lines are.
    """
    left, top, right, bottom = box or (0, 0, *image.size)
    factor = min((right - left) / size[0], (bottom - top) / size[1])
    if factor < LINEAR_FROM_FACTOR or image.mode != "RGB" or image.width * image.height > LINEAR_PIXELS_MAX:
        return image.resize(size, LANCZOS, box=box)
    return Image.merge("RGB", [_scaled_in_linear_light(each, size, box) for each in image.split()])


def _scaled_in_linear_light(channel: Image.Image, size: Size, box: Box | None) -> Image.Image:
    light = channel.point(LIGHT, "F").resize(size, LANCZOS, box=box, reducing_gap=REDUCING_GAP)
    stored: Image.Image = ImageMath.lambda_eval(_stored, light=light)
    return stored


def _stored(given: dict[str, Any]) -> Any:
    """Return linear light as bytes, rounded. Lanczos overshoots at edges, below black as well."""
    light = given["min"](given["max"](given["light"], 0.0), 1.0)
    return given["convert"](light ** (1 / GAMMA) * 255 + 0.5, "L")
