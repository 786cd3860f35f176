"""Makes smaller copies of a finished picture, as WebP for browsers. Runs in the child process only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image

from jobs.media.facts import ImageFacts, Renditions
from jobs.media.images import save_webp
from jobs.media.limits import RENDITION_WIDTHS_PX, PictureLimits
from jobs.media.pictures import load_upright, open_picture
from jobs.media.scaling import scaled

# Shrinking hides what a lower quality loses; at full size it would be seen.
SMALL_QUALITY: Final = 80
FULL_QUALITY: Final = 90


def make_renditions(source: Path, folder: Path, is_generated: bool, limits: PictureLimits) -> Renditions:
    """Write the copies of a picture into `folder`, each as `<width>.webp`; only generated ones are marked as such."""
    opened = open_picture(source, limits)
    widths = rendition_widths(opened.width, is_webp=opened.format == "WEBP")
    image = load_upright(opened)
    folder.mkdir(exist_ok=True)
    return Renditions([_write(image, width, folder, is_generated) for width in widths])


def rendition_widths(width_px: int, *, is_webp: bool) -> Sequence[int]:
    """Return the widths of the copies of a picture: those below its own, and its own where it is not a WebP already."""
    below = [width for width in RENDITION_WIDTHS_PX if width < width_px]
    return below if is_webp else [*below, width_px]


def _write(image: Image.Image, width_px: int, folder: Path, is_generated: bool) -> ImageFacts:
    is_full = width_px == image.width
    copy = image if is_full else scaled(image, (width_px, max(1, round(image.height * width_px / image.width))))
    quality = FULL_QUALITY if is_full else SMALL_QUALITY
    return save_webp(copy, folder / f"{width_px}.webp", quality, is_generated=is_generated)
