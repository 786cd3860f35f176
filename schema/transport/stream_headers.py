"""The headers of Durable Streams.

Source: PROTOCOL.md of durable-streams, the sections on reading.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Final

from schema.streams.stream import Batch

NEXT_OFFSET: Final = "Stream-Next-Offset"
UP_TO_DATE: Final = "Stream-Up-To-Date"
CLOSED: Final = "Stream-Closed"
CURSOR: Final = "Stream-Cursor"

# What pages of other origins may read.
EXPOSED: Final = (NEXT_OFFSET, UP_TO_DATE, CLOSED, CURSOR, "ETag")

ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    # One browser may have several users, one after the other.
    "Vary": "Authorization",
}

NO_STORE: Final = "no-store"
_KEPT = "private, max-age=60, stale-while-revalidate=300"
# A closed stream may go on after a retry, so a browser checks its end each time.
_CHECKED = "private, no-cache"

_EPOCH = datetime(2024, 10, 9, tzinfo=UTC)
_INTERVAL_S = 20
# In intervals: up to an hour.
_JITTER_MAX = 180


def place_headers(batch: Batch) -> dict[str, str]:
    """Return the headers that say where a reader is after a batch."""
    found = {NEXT_OFFSET: batch.next_offset}
    if batch.up_to_date:
        found[UP_TO_DATE] = "true"
    if batch.closed:
        found[CLOSED] = "true"
    return found


def cache_control(batch: Batch) -> str:
    """Return how long a browser may keep the messages after an offset."""
    return _CHECKED if batch.closed else _KEPT


def etag(body: bytes, batch: Batch) -> str:
    """Return the tag of a response: another one when the stream has been closed since."""
    place = f"{batch.next_offset}{batch.up_to_date}{batch.closed}".encode()
    return f'"{hashlib.sha256(place + body).hexdigest()[:32]}"'


def matches(given: str | None, tag: str) -> bool:
    """Return whether the value of If-None-Match has a tag."""
    candidates = [each.strip().removeprefix("W/") for each in (given or "").split(",")]
    return "*" in candidates or tag in candidates


def live_cursor(given: int | None, now: datetime) -> str:
    """Return the cursor of a live response: the current interval, but always beyond the one that was given."""
    current = int((now - _EPOCH).total_seconds()) // _INTERVAL_S
    if given is None or given < current:
        return str(current)
    return str(given + 1 + secrets.randbelow(_JITTER_MAX))
