"""Read the wait that an error response requests: from its body's field, its header, or its text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# An upper bound: a mistake of the provider must neither stop us for good nor make us call without a pause.
LONGEST_S = 3600.0
_IN_TEXT = re.compile(r"(?:resets in ~|available in )(\d+)\s*s")


def requested_wait_s(body: str, header: str | None) -> float | None:
    """Return the requested wait in seconds, from 0 to an hour, or None if there is none.

    The body's field wins and the text comes last: `Retry-After` may be set by a proxy.
    """
    requested = next((each for each in _candidates(body, header) if each is not None and not math.isnan(each)), None)
    return None if requested is None else min(max(0.0, requested), LONGEST_S)


def _candidates(body: str, header: str | None) -> Iterator[float | None]:
    yield _in_field(body)
    yield _in_header(header or "")
    words = _IN_TEXT.search(body)
    yield float(words[1]) if words else None


def _in_field(body: str) -> float | None:
    try:
        value = json.loads(body).get("retry_after")
        return None if value is None or isinstance(value, bool) else float(value)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _in_header(header: str) -> float | None:
    """Read a header of seconds, or of a date by the provider's clock."""
    for read in (float, _seconds_until):
        with suppress(ValueError, OverflowError):
            return read(header)
    return None


def _seconds_until(date: str) -> float:
    return (parsedate_to_datetime(date).astimezone(UTC) - datetime.now(UTC)).total_seconds()
