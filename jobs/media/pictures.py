"""Open an untrusted picture: check it before decoding any pixel, then turn it upright and convert it to sRGB.

Runs in the child process only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageCms
from PIL.AvifImagePlugin import AvifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from jobs.media.errors import Damaged, MediaError, TooLarge, Unreadable, WrongShape, WrongType
from jobs.media.files import check_size
from jobs.media.jpeg import END, jpeg_structure
from jobs.media.limits import FORMAT_NAMES, PictureLimits
from jobs.media.png import essential_png
from jobs.media.signatures import other_type, picture_format

# Neither palettes nor 16-bit grays can be scaled smoothly as they are.
SCALABLE_MODES: Final = ("RGB", "RGBA", "CMYK", "L")

BROKEN_HEADER: Final = "The picture's header is broken. Save the picture again as a JPEG and upload that."
CUT_OFF: Final = "The picture is cut off or damaged. Upload the whole file again, or another picture."

ORIENTATION: Final = 0x0112
UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What a decoder that still wants data would take for data: bits of every kind, and no marker.
FILLING: Final = bytes(range(1, 255)) * 4
STRIP_PX: Final = 256


def open_picture(source: Path, limits: PictureLimits) -> Image.Image:
    """Return the picture with its header read and its pixels not yet decoded, or raise a `MediaError`."""
    check_size(source, limits.max_bytes)
    data = source.read_bytes()
    kind = picture_format(data[:256])
    if kind is None or kind not in limits.formats:
        raise _wrong_type(data, kind, limits)
    # Each plugin is called by itself: `Image.open` would also look for further pictures in a JPEG.
    with _blamed_on_the_file(Unreadable, BROKEN_HEADER):
        image = _OPENERS[kind](data, limits)
    _check_shape(image.size, limits)
    return image


@contextmanager
def _blamed_on_the_file(error: type[MediaError], reason: str) -> Iterator[None]:
    """Raise `error` for whatever hostile bytes make a decoder raise, but let failures of the machine pass."""
    try:
        yield
    except (MediaError, MemoryError):
        raise
    except Exception as caught:
        # Pillow's own errors carry no error number.
        if isinstance(caught, OSError) and caught.errno is not None:
            raise
        raise error(reason, repr(caught)) from caught


def _open_jpeg(data: bytes, limits: PictureLimits) -> Image.Image:
    structure = jpeg_structure(data, limits.max_scans)
    if structure.scans > limits.max_scans:
        raise TooLarge(
            f"The JPEG has more than {limits.max_scans} scans. Save it again as an ordinary (baseline) JPEG."
        )
    if structure.ends:
        return JpegImageFile(BytesIO(data))
    data = data.rstrip(b"\xff")
    _check_complete(data, limits)
    return JpegImageFile(BytesIO(data + END))


def _check_complete(data: bytes, limits: PictureLimits) -> None:
    """Raise `Damaged` unless only the end marker is missing: then the picture ignores what is put before it."""
    first, second = (JpegImageFile(BytesIO(data + filling + END)) for filling in (b"", FILLING))
    _check_shape(first.size, limits)
    if _fingerprint(first) != _fingerprint(second):
        raise Damaged(CUT_OFF, "the JPEG ends before its picture does")


def _fingerprint(image: Image.Image) -> bytes:
    """Return a digest of the pixels. Taken in strips: a copy of all of them would need as much memory again."""
    digest = hashlib.sha256()
    for top in range(0, image.height, STRIP_PX):
        digest.update(image.crop((0, top, image.width, min(top + STRIP_PX, image.height))).tobytes())
    image.close()
    return digest.digest()


def _open_png(data: bytes, limits: PictureLimits) -> Image.Image:
    return PngImageFile(BytesIO(essential_png(data, limits.max_chunks)))


def _open_webp(data: bytes, _limits: PictureLimits) -> Image.Image:
    return WebPImageFile(BytesIO(data))


def _open_avif(data: bytes, _limits: PictureLimits) -> Image.Image:
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    return AvifImageFile(BytesIO(data))


def _open_heif(data: bytes, _limits: PictureLimits) -> Image.Image:
    # Imported here, so that other pictures do not wait for the library to load.
    from pillow_heif import HeifImageFile, options

    # One thread for each child. No second picture in the file is wanted.
    options.DECODE_THREADS = 1
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    image: Image.Image = HeifImageFile(BytesIO(data))  # type: ignore[no-untyped-call]
    return image


_OPENERS: Final[dict[str, Callable[[bytes, PictureLimits], Image.Image]]] = {
    "JPEG": _open_jpeg,
    "PNG": _open_png,
    "WEBP": _open_webp,
    "AVIF": _open_avif,
    "HEIF": _open_heif,
}


def _wrong_type(data: bytes, kind: str | None, limits: PictureLimits) -> WrongType:
    """Return the error for a file of another type, with its name where it is known."""
    accepted = ", ".join(FORMAT_NAMES[name] for name in limits.formats)
    name = FORMAT_NAMES[kind] if kind else other_type(data[:256])
    found = f"The file is of the type {name}" if name else "The file is not a picture"
    return WrongType(f"{found}; the accepted types are {accepted}.")


def _check_shape(size: tuple[int, int], limits: PictureLimits) -> None:
    shorter, longer = sorted(size)
    found = f"The picture is {size[0]}×{size[1]}"
    if shorter * longer > limits.max_pixels:
        raise TooLarge(f"{found}; at most {limits.max_pixels / 1e6:g} million pixels are accepted.")
    if shorter < limits.min_side_px:
        raise WrongShape(f"{found}; its shorter side must be at least {limits.min_side_px} pixels.")
    if longer > shorter * limits.max_aspect_ratio:
        raise WrongShape(f"{found}; its longer side may be at most {limits.max_aspect_ratio:g} times its shorter side.")


def load_upright(image: Image.Image, max_side_px: int | None = None) -> Image.Image:
    """Return the pixels upright, in sRGB, as RGB or (where anything is transparent) RGBA.

    With `max_side_px` a larger picture is shrunk first, so that a JPEG is decoded at a fraction of its size and color
    conversion touches fewer pixels. Raises `Damaged` when the pixels do not decode completely.
    """
    turn = UPRIGHT.get(_orientation(image))
    with _blamed_on_the_file(Damaged, CUT_OFF):
        _decode(image, max_side_px)
    profile = image.info.get("icc_profile")
    plain = _with_eight_bit_channels(image)
    if max_side_px is not None:
        _shrink(plain, max_side_px)
    plain = plain if turn is None else plain.transpose(turn)
    return _without_idle_alpha(_to_srgb(plain, profile))


def _orientation(image: Image.Image) -> Any:
    """Return the orientation of the metadata, 1 where it has none that can be read. Nothing else in it matters."""
    try:
        return image.getexif().get(ORIENTATION, 1)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 Cameras and editors write all kinds of broken metadata.
        return 1


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


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
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
