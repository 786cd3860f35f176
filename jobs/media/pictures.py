"""Open an untrusted picture: check it before decoding any pixel, then turn it upright and convert it to sRGB.

Runs in the child process only.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError, WebPImagePlugin

from jobs.media.errors import Damaged, MediaError, TooLarge, Unreadable, WrongShape, WrongType
from jobs.media.files import check_size
from jobs.media.limits import PictureLimits

# Imported for its registration: Pillow loads this plugin by itself only when `open` is called without formats.
assert WebPImagePlugin.SUPPORTED

# Neither palettes nor 16-bit grays can be scaled smoothly as they are.
SCALABLE_MODES: Final = ("RGB", "RGBA", "CMYK", "L")

SIGNATURES: Final = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "WEBP": b"RIFF"}
BROKEN_HEADER: Final = "The picture's header is broken."
NAMES: Final = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP"}


def open_picture(source: Path, limits: PictureLimits) -> Image.Image:
    """Return the picture with its header read and its pixels not yet decoded, or raise a `MediaError`."""
    check_size(source, limits.max_bytes)
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        image = Image.open(source, formats=limits.formats)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise TooLarge(_too_many_pixels(limits), str(error)) from error
    except UnidentifiedImageError as error:
        raise _unidentified(source, limits) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        _let_pass_if_of_the_machine(error)
        raise Unreadable(BROKEN_HEADER, repr(error)) from error
    _check_shape(image.size, limits)
    return image


def _let_pass_if_of_the_machine(error: Exception) -> None:
    """Raise `error` again when it comes from the operating system: Pillow's own errors carry no error number."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def _unidentified(source: Path, limits: PictureLimits) -> MediaError:
    """Return the error for a file that Pillow does not recognise: a broken picture or another type of file."""
    with source.open("rb") as file:
        start = file.read(16)
    if any(start.startswith(SIGNATURES[name]) for name in limits.formats if name in SIGNATURES):
        return Unreadable(BROKEN_HEADER)
    accepted = ", ".join(NAMES.get(name, name) for name in limits.formats)
    return WrongType(f"The file is not a picture of an accepted type: {accepted}.")


def _check_shape(size: tuple[int, int], limits: PictureLimits) -> None:
    shorter, longer = sorted(size)
    if shorter * longer > limits.max_pixels:
        raise TooLarge(_too_many_pixels(limits))
    if shorter < limits.min_side_px:
        raise WrongShape(
            f"The picture is {size[0]}×{size[1]}; its shorter side must be at least {limits.min_side_px} pixels."
        )
    if longer > shorter * limits.max_aspect_ratio:
        raise WrongShape(
            f"The picture is {size[0]}×{size[1]}; its longer side may be at most {limits.max_aspect_ratio:g} times "
            "its shorter side."
        )


def _too_many_pixels(limits: PictureLimits) -> str:
    return f"The picture has more than {limits.max_pixels / 1e6:g} million pixels."


def load_upright(image: Image.Image, max_side_px: int | None = None) -> Image.Image:
    """Return the pixels upright, in sRGB, as RGB or (where anything is transparent) RGBA.

    With `max_side_px` a larger picture is shrunk first, so that a JPEG is decoded at a fraction of its size and color
    conversion touches fewer pixels. Raises `Damaged` when the pixels do not decode completely.
    """
    try:
        _decode(image, max_side_px)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        _let_pass_if_of_the_machine(error)
        raise Damaged("The picture is cut off or damaged.", repr(error)) from error
    plain = _with_eight_bit_channels(ImageOps.exif_transpose(image))
    if max_side_px is not None:
        _shrink(plain, max_side_px)
    return _without_idle_alpha(_to_srgb(plain))


def _decode(image: Image.Image, max_side_px: int | None) -> None:
    """Decode the pixels, shrinking at the same time where the mode can be scaled."""
    if max_side_px is not None and image.mode in SCALABLE_MODES:
        _shrink(image, max_side_px)
    # Shrinking does not decode a picture that is already small enough.
    image.load()


def _shrink(image: Image.Image, max_side_px: int) -> None:
    image.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)


def _with_eight_bit_channels(image: Image.Image) -> Image.Image:
    """Convert palettes and 16-bit grays to a mode that can be scaled and color-converted."""
    if image.mode.startswith("I"):
        # A plain conversion clips at 255, which would leave a white picture.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data and image.mode != "RGBA":
        return image.convert("RGBA")
    return image if image.mode in SCALABLE_MODES else image.convert("RGB")


def _to_srgb(image: Image.Image) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    profile = image.info.get("icc_profile")
    if not profile:
        return image.convert(mode)
    try:
        theirs = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(image, theirs, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError):
        # Ignore a profile that is broken or for another pixel type; viewers assume sRGB in that case too.
        return image.convert(mode)
    assert converted is not None  # None is returned only when converting in place.
    return converted


def _without_idle_alpha(image: Image.Image) -> Image.Image:
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image


def flatten_on_white(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, composited on white."""
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
