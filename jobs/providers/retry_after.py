"""How long an error answer asks to be left alone: in its body's field, in its header, or only in its words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Whatever is asked for: a slip of the other side must neither stop us for good nor have us ask without a pause.
LONGEST_S = 3600.0
_IN_WORDS = re.compile(r"(?:resets in ~|available in )(\d+)\s*s")


def asked_wait_s(body: str, header: str | None) -> float | None:
    """Return the seconds that were asked for, from 0 to an hour, or None where none were.

    The body's field comes first and the words come last: `Retry-After` may be set by something in between.
    """
    asked = next((each for each in _told(body, header) if each is not None and not math.isnan(each)), None)
    return None if asked is None else min(max(0.0, asked), LONGEST_S)


def _told(body: str, header: str | None) -> Iterator[float | None]:
    yield _in_field(body)
    yield _in_header(header or "")
    words = _IN_WORDS.search(body)
    yield float(words[1]) if words else None


def _in_field(body: str) -> float | None:
    try:
        value = json.loads(body).get("retry_after")
        return None if value is None or isinstance(value, bool) else float(value)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _in_header(header: str) -> float | None:
    """Read a header of seconds, or of a time by the other side's clock."""
    for read in (float, _seconds_until):
        with suppress(ValueError, OverflowError):
            return read(header)
    return None


def _seconds_until(date: str) -> float:
    return (parsedate_to_datetime(date).astimezone(UTC) - datetime.now(UTC)).total_seconds()
