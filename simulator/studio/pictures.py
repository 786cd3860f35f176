"""Bytes become pictures and pictures become bytes, whatever mode, size or turn they arrive in."""

from __future__ import annotations

import io
import struct
import warnings

from PIL import Image, ImageOps

MAX_PIXELS = 80_000_000
WORKING_SIDE_PX = 1536
_BROKEN = (OSError, ValueError, SyntaxError, struct.error, EOFError, Image.DecompressionBombError)


def read_picture(data: bytes, *, role: str) -> Image.Image:
    """Return the picture in `data` upright, as RGB or (where anything shows through) RGBA, at most 1536 px long.

    `role` names the picture in the error. Raises ValueError when the bytes are no picture that can be decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _decode(data)
    except _BROKEN as error:
        raise ValueError(f"the {role} is not a picture that can be read: send PNG, JPEG or WebP bytes") from error


def _decode(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as source:
        if source.width * source.height > MAX_PIXELS:
            raise ValueError(f"{source.width}x{source.height} px is more than {MAX_PIXELS} pixels")
        source.draft("RGB", (WORKING_SIDE_PX, WORKING_SIDE_PX))
        source.load()
        upright = ImageOps.exif_transpose(source)
        return _plain(_no_larger_than(upright, WORKING_SIDE_PX))


def _no_larger_than(image: Image.Image, side_px: int) -> Image.Image:
    if max(image.size) <= side_px:
        return image
    wide = image if image.mode not in {"P", "1"} else image.convert("RGBA")
    factor = side_px / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return wide.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _plain(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = image.convert("F").point(lambda value: value * (1 / 257) + 0).convert("L")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        layered = image.convert("RGBA")
        opaque = layered.getchannel("A").getextrema()[0] == 255
        return layered.convert("RGB") if opaque else layered
    return image.convert("RGB")


def on_paper(image: Image.Image, paper: tuple[int, int, int] = (236, 234, 230)) -> Image.Image:
    """Return the picture as RGB, lying on `paper` where it is transparent."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, paper)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def cover(image: Image.Image, size_px: tuple[int, int]) -> Image.Image:
    """Return the picture scaled and centre-cropped to fill `size_px` exactly."""
    if image.size == size_px:
        return image
    return ImageOps.fit(image, size_px, Image.Resampling.LANCZOS)


def sampled(image: Image.Image, frame: tuple[float, float, float, float], size_px: tuple[int, int]) -> Image.Image:
    """Return the part within `frame` (left, top, right, bottom; cut off at the border) averaged to `size_px`."""
    left, top = min(max(0.0, frame[0]), image.width - 1.0), min(max(0.0, frame[1]), image.height - 1.0)
    right = min(float(image.width), max(left + 1, frame[2]))
    bottom = min(float(image.height), max(top + 1, frame[3]))
    return image.resize(size_px, Image.Resampling.BOX, (left, top, right, bottom))


def png_bytes(image: Image.Image) -> bytes:
    """Return the picture as PNG. Level 2 is a fifth of the default's time for a few percent more bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=2)
    return buffer.getvalue()


def check_size(size_px: tuple[int, int]) -> None:
    """Raise ValueError unless the wanted size can be drawn."""
    if not all(16 <= side <= 8192 for side in size_px):
        raise ValueError(f"size is {size_px[0]}x{size_px[1]} px; each side must be between 16 and 8192 px")
