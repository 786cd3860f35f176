"""Sizes and fingerprints of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jobs.media.errors import TooLarge, Unreadable
from jobs.media.facts import ImageFacts
from jobs.media.limits import MIB


def image_facts(path: Path, content_type: str, size_px: tuple[int, int]) -> ImageFacts:
    """Return the facts of a picture that was just written, or of a preview."""
    return ImageFacts(content_type, *size_px, path.stat().st_size, _sha256_of(path))


def _sha256_of(path: Path) -> str:
    """Return the file's SHA-256 in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_size(path: Path, max_bytes: int) -> None:
    """Raise `Unreadable` for an empty file and `TooLarge` for one above `max_bytes`."""
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise Unreadable("The file is empty. Upload the whole file again.")
    if size_bytes > max_bytes:
        raise TooLarge(f"The file has {size_bytes / MIB:.1f} MiB; at most {max_bytes / MIB:.0f} MiB are accepted.")
