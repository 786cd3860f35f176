"""Makes smaller copies of a finished picture, as WebP for browsers. Runs in the child process only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from jobs.media.errors import MediaError
from jobs.media.facts import ImageFacts, Renditions
from jobs.media.limits import RENDITION_WIDTHS_PX, PictureLimits, rendition_path
from jobs.media.pictures import load_upright, open_picture
from jobs.media.provenance import UNKNOWN, Origin
from jobs.media.scaling import scaled
from jobs.media.webp import save_webp

# Shrinking hides what a lower quality loses; at full size it would be seen.
SMALL_QUALITY: Final = 80
FULL_QUALITY: Final = 90


def make_renditions(source: Path, folder: Path, is_generated: bool, limits: PictureLimits) -> Renditions:
    """Write the copies of a picture into `folder`, each as `<width>.webp`; only generated ones are marked as such."""
    opened = open_picture(source, limits)
    is_webp = opened.format == "WEBP"
    origin = UNKNOWN if is_generated else None
    return Renditions(_made(load_upright(opened), folder, origin, is_webp=is_webp))


@dataclass(frozen=True, slots=True)
class Copies:
    """The copies that were made with a picture, or the class of the error for which there are none."""

    made: tuple[ImageFacts, ...] = ()
    failed: str = ""


def copies_of(image: Image.Image, folder: Path, origin: Origin, *, is_webp: bool = False) -> Copies:
    """Write the copies of a generated picture that was just made; none of them where one cannot be made.

    What was paid for is not made again for the sake of a copy. A failure of the machine is still raised.
    """
    try:
        return Copies(_made(image, folder, origin, is_webp=is_webp))
    except OSError as error:
        # The encoder's own errors carry no error number.
        if error.errno is not None:
            raise
        return Copies(failed=type(error).__name__)
    except (MediaError, ValueError, MemoryError) as error:
        # Its text may quote the picture.
        return Copies(failed=type(error).__name__)


def _made(image: Image.Image, folder: Path, origin: Origin | None, *, is_webp: bool) -> tuple[ImageFacts, ...]:
    folder.mkdir(exist_ok=True)
    widths = rendition_widths(image.width, is_webp=is_webp)
    return tuple(_write(image, width, folder, origin) for width in widths)


def rendition_widths(width_px: int, *, is_webp: bool) -> Sequence[int]:
    """Return the widths of the copies of a picture: those below its own, and its own where it is not a WebP already."""
    below = [width for width in RENDITION_WIDTHS_PX if width < width_px]
    return below if is_webp else [*below, width_px]


def _write(image: Image.Image, width_px: int, folder: Path, origin: Origin | None) -> ImageFacts:
    is_full = width_px == image.width
    copy = image if is_full else scaled(image, (width_px, max(1, round(image.height * width_px / image.width))))
    quality = FULL_QUALITY if is_full else SMALL_QUALITY
    return save_webp(copy, rendition_path(folder, width_px), quality, origin)
