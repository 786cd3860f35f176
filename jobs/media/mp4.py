"""The outermost boxes of an MP4 file: enough to know whether it starts to play at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

# How a file of the MP4 family may begin; old QuickTime files have no `ftyp`.
FIRST_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"})

# By which readers know that a `uuid` box is XMP: part 3 of the XMP specification.
XMP_BOX: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")

MAX_BOXES: Final = 1000


def box_types(path: Path) -> Iterator[bytes]:
    """Yield the types of the outermost boxes in file order, stopping where the file ends or the sizes make no sense."""
    end = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        for _ in range(MAX_BOXES):
            file.seek(at)
            header = file.read(16)
            if len(header) < 8:
                return
            yield header[4:8]
            size_bytes = _box_size(header, end - at)
            if size_bytes < 8 or at + size_bytes > end:
                return
            at += size_bytes


def _box_size(header: bytes, rest_bytes: int) -> int:
    """Return a box's size: 0 stands for "to the end of the file", 1 for "a 64-bit size follows"."""
    size_bytes = int.from_bytes(header[:4], "big")
    if size_bytes == 1:
        return int.from_bytes(header[8:16], "big")
    return size_bytes or rest_bytes


def moov_comes_first(path: Path) -> bool:
    """Return whether the index (`moov`) stands before the media (`mdat`), so that playing can start while loading."""
    order = [box for box in box_types(path) if box in (b"moov", b"mdat")]
    return order[:1] == [b"moov"]


def append_xmp(path: Path, xmp: str) -> None:
    """Add an outermost box with `xmp` at the end of the file, where it moves no media that the index points to.

    Calling it twice adds two boxes.
    """
    content = XMP_BOX + xmp.encode()
    with path.open("ab") as file:
        file.write((8 + len(content)).to_bytes(4, "big") + b"uuid" + content)
