"""Writes WebPs, which every browser shows. Runs in the child process only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image

from jobs.media.facts import ImageFacts
from jobs.media.files import image_facts
from jobs.media.provenance import Origin

# libwebp's effort, from 0 to 6; its default of 4 takes two and a half times as long and saves 3% of the bytes.
WEBP_METHOD: Final = 2


def save_webp(image: Image.Image, target: Path, quality: int, origin: Origin | None) -> ImageFacts:
    """Write a picture as a WebP, with the provenance mark of its origin, and without any other metadata.

    The origin is None for a photograph, which has no mark.
    """
    # Pillow would copy the metadata of a decoded picture.
    fresh = Image.frombytes(image.mode, image.size, image.tobytes())
    fresh.save(target, "WEBP", quality=quality, method=WEBP_METHOD, xmp=origin.xmp().encode() if origin else b"")
    return image_facts(target, "image/webp", image.size)
