"""Offsets: places in a stream, as text that sorts in the order of the stream.

The beginning (`-1`) and the end (`now`) are names that clients may give; no response contains them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

BEGINNING = "-1"
NOW = "now"

_POSITION_DIGITS = 19
_COUNT_DIGITS = 10
_POSITION = re.compile(rf"[0-9]{{{_POSITION_DIGITS}}}", re.ASCII)
_SEEN = re.compile(rf"[0-9]{{{_COUNT_DIGITS}}}(?:_[0-9]{{1,{_COUNT_DIGITS}}})*", re.ASCII)


class MalformedOffset(ValueError):
    """The text is not an offset of this stream."""

    def __init__(self) -> None:
        super().__init__("This is not an offset of this stream: pass offsets exactly as you received them.")


class OffsetPurged(LookupError):
    """The messages after an offset are no longer kept."""

    def __init__(self) -> None:
        super().__init__("The messages after this offset are no longer kept: read from the beginning, offset=-1.")


def position_offset(position: int) -> str:
    """Return the offset after a position of an account's activity."""
    return f"{position:0{_POSITION_DIGITS}}"


def read_position(text: str) -> int | None:
    """Return the position of an offset, or None for the beginning; raise MalformedOffset for anything else."""
    if text == BEGINNING:
        return None
    if not _POSITION.fullmatch(text):
        raise MalformedOffset
    return int(text)


def seen_offset(seqs: Sequence[int]) -> str:
    """Return the offset after these events of each job: how many there are of all, and of each if there are several.

    Each event raises the first number by one, so the rest does not matter to the order.
    """
    parts = [f"{sum(seqs):0{_COUNT_DIGITS}}", *(map(str, seqs) if len(seqs) > 1 else ())]
    return "_".join(parts)


def read_seen(text: str, jobs: int) -> list[int]:
    """Return the sequence numbers of an offset of a stream of so many jobs; raise MalformedOffset for anything else."""
    if text == BEGINNING:
        return [0] * jobs
    if not _SEEN.fullmatch(text):
        raise MalformedOffset
    count, *each = map(int, text.split("_"))
    seqs = each or [count]
    if len(seqs) != jobs or seen_offset(seqs) != text:
        raise MalformedOffset
    return seqs
