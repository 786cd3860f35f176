"""The structure of a JPEG: how many scans it has, and whether it ends. Decodes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

END: Final = b"\xff\xd9"
SOI, EOI, SOS = 0xD8, 0xD9, 0xDA

# Inside a scan, FF 00 is a byte of data, FF D0 to FF D7 restart the decoder, and more FFs are padding.
MARKER: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
WITHOUT_LENGTH: Final = frozenset({0x01, SOI, *range(0xD0, 0xD8)})


@dataclass(frozen=True, slots=True)
class JpegStructure:
    """The number of scans (a progressive JPEG refines its picture with each) and if the end marker is there."""

    scans: int
    ends: bool


def jpeg_structure(data: bytes, max_scans: int) -> JpegStructure:
    """Walk the segments up to the end marker, the end of the data, or one scan more than `max_scans`."""
    at, scans = 0, 0
    while scans <= max_scans and (found := MARKER.search(data, at)):
        marker = found[1][0]
        if marker == EOI:
            return JpegStructure(scans, ends=True)
        scans += marker == SOS
        at = found.end() + (0 if marker in WITHOUT_LENGTH else _length(data, found.end()))
    return JpegStructure(scans, ends=False)


def _length(data: bytes, at: int) -> int:
    """Return the length of a segment in bytes, its own two included; at least these two."""
    return max(2, int.from_bytes(data[at : at + 2], "big"))
