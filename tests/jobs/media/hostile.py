"""Makes small pictures that keep a careless decoder busy, and pictures with odd but harmless metadata."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from typing import Any

from PIL import Image


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the picture as a file of this kind."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def jpeg_of_scans(scans: int, size: tuple[int, int] = (3000, 3000)) -> bytes:
    """Return a progressive JPEG that repeats its last scan: 125 bytes for each further pass over all blocks."""
    data = saved(Image.new("RGB", size, "gray"), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * (scans - data.count(b"\xff\xda")) + b"\xff\xd9"


def png_chunk(name: bytes, body: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(chunks: Iterable[bytes], picture: Image.Image) -> bytes:
    """Return a PNG with these chunks before its pixels."""
    data = saved(picture, "PNG")
    at = data.index(b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:]


def exif_block(entries: Iterable[tuple[int, int, int, bytes]]) -> bytes:
    """Return an EXIF block of these entries: tag, type, count, and a value of four bytes or the offset of one."""
    rows = [struct.pack(">HHI", tag, kind, count) + value for tag, kind, count, value in entries]
    head = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, len(rows)) + b"".join(rows) + bytes(4)
    return head + struct.pack(">ii", -1, 0)
