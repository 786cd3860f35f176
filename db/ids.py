"""Identifiers: UUID version 7, so that an index over ids is an index over creation time."""

from __future__ import annotations

import random
import time
from datetime import datetime
from uuid import UUID


def new_id() -> UUID:
    """Return a fresh UUIDv7: Unix time to a quarter of a microsecond, and 62 random bits.

    48 bits are milliseconds, the next 12 the fraction of one (RFC 9562, section 6.2, method 3): ids that a thread makes
    in succession sort in that order, as the jobs of a story do. An id is a name and no secret: every read is limited to
    what its caller may see.
    """
    milliseconds, rest_ns = divmod(time.time_ns(), 1_000_000)
    fraction = (rest_ns << 12) // 1_000_000
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | random.getrandbits(62))


def ids_after(first: UUID, count: int) -> list[UUID]:
    """Return `count` ids that are derived from a fresh one, the same each time and in ascending order.

    They differ from it in the last bits, which are random, so that they are as unlikely to occur twice as it is.
    """
    return [UUID(int=first.int + number) for number in range(1, count + 1)]


def least_id_at(moment: datetime) -> UUID:
    """Return the smallest id that may have been made at a moment: ids made later are greater."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
