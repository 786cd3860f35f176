"""The picture operations: clean a selfie, copy a picture for a model, fit an avatar into its square, crop a scene.

Runs in the child process only.
"""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path
from typing import Final

from PIL import Image, ImageStat, PngImagePlugin

from jobs.media.errors import MediaError
from jobs.media.facts import ImageFacts, PictureFacts
from jobs.media.files import image_facts
from jobs.media.label import labelled
from jobs.media.limits import PictureLimits
from jobs.media.pictures import flatten_on_white, load_upright, open_picture
from jobs.media.provenance import UNKNOWN, Origin
from jobs.media.renditions import Copies, copies_of
from jobs.media.scaling import scaled
from jobs.media.subject import crop_box

SELFIE_LONG_SIDE_PX: Final = 1536
INPUT_LONG_SIDE_PX: Final = 1920
JPEG_BYTES_BELOW: Final = 1_000_000
JPEG_QUALITIES: Final = (90, 80, 70, 50, 30, 10)
AVATAR_SIDE_PX: Final = 1024
SCENE_SIZE_PX: Final = (1920, 1080)

# Level 6 takes three times as long for files at most a tenth smaller.
PNG_COMPRESS_LEVEL: Final = 3


def clean_selfie(source: Path, target: Path, limits: PictureLimits) -> ImageFacts:
    """Write the selfie as an upright sRGB JPEG without metadata: long side at most 1536 pixels, below a megabyte."""
    return _write_jpeg(source, target, limits, SELFIE_LONG_SIDE_PX)


def make_model_input(source: Path, target: Path, limits: PictureLimits) -> ImageFacts:
    """Write a picture for a model in the same way, its long side at most 1920 pixels."""
    return _write_jpeg(source, target, limits, INPUT_LONG_SIDE_PX)


def _write_jpeg(source: Path, target: Path, limits: PictureLimits, long_side_px: int) -> ImageFacts:
    image = flatten_on_white(load_upright(open_picture(source, limits), long_side_px))
    # Save a fresh image: Pillow copies comments and other metadata along with a decoded one.
    fresh = Image.frombytes("RGB", image.size, image.tobytes())
    target.write_bytes(_small_jpeg(fresh))
    _assert_bare_jpeg(target)
    return image_facts(target, "image/jpeg", fresh.size)


def _small_jpeg(image: Image.Image) -> bytes:
    """Return the JPEG of the best quality that is below a megabyte; at the lowest, even pure noise is."""
    jpeg = b""
    for quality in JPEG_QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        jpeg = buffer.getvalue()
        if len(jpeg) < JPEG_BYTES_BELOW:
            break
    return jpeg


def _scaled_by(image: Image.Image, factor: float) -> Image.Image:
    return scaled(image, (round(image.width * factor), round(image.height * factor)))


def _assert_bare_jpeg(path: Path) -> None:
    """Raise `MediaError` if the JPEG has any segment besides the JFIF header and the picture itself."""
    with Image.open(path, formats=["JPEG"]) as written:
        extra = [key for key in written.info if not str(key).startswith("jfif")]
        segments = [name for name, _ in getattr(written, "applist", []) if name != "APP0"]
    if extra or segments:
        raise MediaError("The picture could not be cleaned.", f"left in the file: {extra} {segments}")


def normalise_avatar(
    source: Path, target: Path, limits: PictureLimits, renditions: Path | None = None, origin: Origin = UNKNOWN
) -> PictureFacts:
    """Write the avatar as a 1024×1024 PNG, uncropped and unstretched, with its transparency preserved.

    Its renditions go to the folder `renditions`, if that is not None.
    """
    square = _fit_square(load_upright(open_picture(source, limits)), AVATAR_SIDE_PX)
    return _save(square, target, renditions, origin)


def _fit_square(image: Image.Image, side_px: int) -> Image.Image:
    """Return the whole picture centered in a square; fill each spare strip with the color of the adjacent border."""
    if image.size == (side_px, side_px):
        return image
    whole = _scaled_by(image, side_px / max(image.size))
    square = Image.new(whole.mode, (side_px, side_px))
    left, top = (side_px - whole.width) // 2, (side_px - whole.height) // 2
    if top:
        square.paste(_border_color(whole, (0, 0, whole.width, 1)), (0, 0, side_px, top))
        square.paste(_border_color(whole, (0, whole.height - 1, *whole.size)), (0, top, side_px, side_px))
    elif left:
        square.paste(_border_color(whole, (0, 0, 1, whole.height)), (0, 0, left, side_px))
        square.paste(_border_color(whole, (whole.width - 1, 0, *whole.size)), (left, 0, side_px, side_px))
    square.paste(whole, (left, top))
    return square


def _border_color(image: Image.Image, line: tuple[int, int, int, int]) -> tuple[int, ...]:
    """Return the median color of one border line. Unlike a mean, it is not tinted by feet that touch the border."""
    return tuple(ImageStat.Stat(image.crop(line)).median)


def normalise_scene(
    source: Path, target: Path, limits: PictureLimits, renditions: Path | None = None, origin: Origin = UNKNOWN
) -> PictureFacts:
    """Write the scene as a 1920×1080 PNG: crop it to 16:9 around its subject and scale it, unstretched.

    Its renditions go to the folder `renditions`, if that is not None.
    """
    scene = _cropped(flatten_on_white(load_upright(open_picture(source, limits))))
    return _save(scene, target, renditions, origin)


def _cropped(image: Image.Image) -> Image.Image:
    return scaled(image, SCENE_SIZE_PX, crop_box(image, SCENE_SIZE_PX))


def _save(image: Image.Image, target: Path, renditions: Path | None, origin: Origin) -> PictureFacts:
    """Write a finished picture and its renditions."""
    facts = _save_png(image, target, origin)
    copies = copies_of(image, renditions, origin) if renditions else Copies()
    return PictureFacts(**asdict(facts), renditions=copies.made, renditions_failed=copies.failed)


def add_label(
    source: Path,
    target: Path,
    text: str,
    limits: PictureLimits,
    renditions: Path | None = None,
    origin: Origin = UNKNOWN,
) -> PictureFacts:
    """Write a copy of a finished picture, and its renditions, with the visible label."""
    return _save(labelled(load_upright(open_picture(source, limits)), text), target, renditions, origin)


def _save_png(image: Image.Image, target: Path, origin: Origin) -> ImageFacts:
    fresh = Image.frombytes(image.mode, image.size, image.tobytes())
    mark = PngImagePlugin.PngInfo()
    mark.add_itxt("XML:com.adobe.xmp", origin.xmp())
    fresh.save(target, "PNG", compress_level=PNG_COMPRESS_LEVEL, pnginfo=mark)
    return image_facts(target, "image/png", fresh.size)
