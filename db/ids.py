"""Identifiers: UUID version 7, so that an index over ids is an index over creation time."""

from __future__ import annotations

import secrets
import time
from datetime import datetime
from uuid import UUID


def new_id() -> UUID:
    """Return a fresh UUIDv7: 48 bits of Unix time in milliseconds, the rest random (RFC 9562, section 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = secrets.randbits(74)
    high, low = random_bits >> 62, random_bits & ((1 << 62) - 1)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)


def least_id_at(moment: datetime) -> UUID:
    """Return the least id that may have been made at a moment: from it on, ids are younger."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
