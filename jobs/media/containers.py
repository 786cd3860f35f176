"""The containers that videos may arrive in, recognized by their first bytes, each with the demuxer that opens it.

Each has its pictures in itself. Playlists and other formats that name further files (HLS, DASH, concat) are not listed,
so nothing opens them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.media.mp4 import FIRST_BOXES

EBML: Final = b"\x1aE\xdf\xa3"
SEGMENT: Final = b"\x18S\x80g"
HEAD_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Container:
    """A container format.

    `demuxer` is FFmpeg's name of the one that opens it, and `whitelist` the names under which it may open others.
    `counts_packets` is whether the index lists each packet, so that a missing end shows. Without `has_display_times`,
    pictures are shown in the order and at the times at which they are decoded. `end_in` returns where the file ends by
    the first bytes of it, or 0 where they do not say.
    """

    names: str
    content_type: str
    demuxer: str
    whitelist: str
    counts_packets: bool
    has_display_times: bool
    begins: Callable[[bytes], bool]
    end_in: Callable[[bytes], int]


def _begins_mp4(head: bytes) -> bool:
    return head[4:8] in FIRST_BOXES


def _begins_matroska(head: bytes) -> bool:
    return head.startswith(EBML)


def _begins_avi(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"AVI "


def _unsaid(_head: bytes) -> int:
    return 0


def _matroska_end(head: bytes) -> int:
    """Return the end of the segment; 0 where its size is unknown, as in a recording that was streamed."""
    at = head.find(SEGMENT)
    if at < 0 or len(head) < at + 12:
        return 0
    first = head[at + 4]
    length = 9 - first.bit_length()
    size_bytes = int.from_bytes(head[at + 4 : at + 4 + length], "big") - (1 << 7 * length)
    is_known = 0 < length <= 8 and size_bytes != (1 << 7 * length) - 1
    return at + 4 + length + size_bytes if is_known else 0


def _avi_end(head: bytes) -> int:
    """Return the end of the first RIFF chunk; files beyond a gibibyte have more of them."""
    size_bytes = int.from_bytes(head[4:8], "little")
    return 8 + size_bytes if 0 < size_bytes < 2**32 - 1 else 0


CONTAINERS: Final = (
    Container("MP4, MOV", "video/mp4", "mp4", "mov,mp4,m4a,3gp,3g2,mj2", True, True, _begins_mp4, _unsaid),
    Container(
        "WebM, Matroska", "video/x-matroska", "matroska", "matroska,webm", False, True, _begins_matroska, _matroska_end
    ),
    Container("AVI", "video/x-msvideo", "avi", "avi", False, False, _begins_avi, _avi_end),
)
ACCEPTED: Final = ", ".join(container.names for container in CONTAINERS)


def container_of(path: Path) -> Container | None:
    """Return the container format of a file, or None if it is of no accepted one."""
    head = _head(path)
    return next((container for container in CONTAINERS if container.begins(head)), None)


def is_cut_off(path: Path, container: Container) -> bool:
    """Return whether the file is shorter than its own header says."""
    return path.stat().st_size < container.end_in(_head(path))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
