"""The parts of a PNG that the picture is made of. Decodes no pixel."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from jobs.media.errors import TooLarge

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

# The critical chunks, and those that change how the pixels are shown: transparency, orientation, color profile.
NEEDED: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
USEFUL: Final = frozenset({b"tRNS", b"eXIf", b"iCCP"})
MAX_PROFILE_BYTES: Final = 1024 * 1024
MAX_EXIF_BYTES: Final = 256 * 1024

# The color type stands in the header; by it, the bytes of the transparent color: a gray or three channels.
COLOR_TYPE_AT: Final = 25
TRANSPARENCY_BYTES: Final = {0: 2, 2: 6}


def essential_png(data: bytes, max_chunks: int) -> bytes:
    """Return the PNG without the chunks that the picture does not need, and without broken or huge profiles.

    Text may inflate to any size, and animations have more pictures than the one that is wanted. What is left of a
    file that is cut off is kept, so that its decoder says so. Raises `TooLarge` for more than `max_chunks`.
    """
    kept, color_type = [SIGNATURE], data[COLOR_TYPE_AT] if len(data) > COLOR_TYPE_AT else 0
    for number, (name, chunk) in enumerate(_chunks(data), 1):
        if number > max_chunks:
            raise TooLarge(
                f"The PNG has more than {max_chunks} chunks. Save the picture again without its texts and extras.",
            )
        if name in NEEDED or (name in USEFUL and _is_sound(name, chunk, color_type)):
            kept.append(chunk)
    return b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each chunk's name and all its bytes, up to the end of the picture or of the file."""
    at, name = len(SIGNATURE), b""
    while at < len(data) and name != b"IEND":
        name = data[at + 4 : at + 8]
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield name, data[at:end]
        at = end


def _is_sound(name: bytes, chunk: bytes, color_type: int) -> bool:
    """Return True for a chunk that can be read, and whose value makes sense."""
    body = chunk[8:-4]
    if chunk[-4:] != struct.pack(">I", zlib.crc32(name + body)):
        return False
    match name:
        case b"iCCP":
            return _inflates(body)
        case b"tRNS":
            return len(body) >= TRANSPARENCY_BYTES.get(color_type, 1)
        case _:
            return len(body) <= MAX_EXIF_BYTES


def _inflates(profile: bytes) -> bool:
    """Return True if the profile of an iCCP chunk inflates, to a megabyte at most."""
    _name, _, packed = profile.partition(b"\0")
    inflating = zlib.decompressobj()
    try:
        inflating.decompress(packed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return False
    return packed[:1] == b"\0" and inflating.eof
