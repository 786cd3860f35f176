"""Paging of lists: opaque cursors, and `next` and `previous` as absolute URLs of the simulator."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from simulator.problems import BadRequest

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: the positions of its items, and the links to its neighbours."""

    positions: range
    previous: str | None
    next: str | None

    def as_json(self, results: list[Any]) -> dict[str, Any]:
        """Return the page as the API's list object."""
        return {"previous": self.previous, "next": self.next, "results": results}


def cut(positions: range, url: str, query: Mapping[str, str]) -> Page:
    """Return the page of `positions` (oldest first) at the query's cursor; pages go backwards from the end.

    A cursor is a position, not an offset, so that new items do not shift later pages.
    """
    end = _end(positions, query.get("cursor"))
    start = max(positions.start, end - PAGE_SIZE)
    kept = {name: value for name, value in query.items() if name != "cursor"}
    newer = min(positions.stop, end + PAGE_SIZE)
    return Page(
        positions=range(start, end),
        previous=_link(url, kept, newer) if end < positions.stop else None,
        next=_link(url, kept, start) if start > positions.start else None,
    )


def _end(positions: range, cursor: str | None) -> int:
    if cursor is None:
        return positions.stop
    return max(positions.start, min(positions.stop, _decode(cursor)))


def _link(url: str, kept: Mapping[str, str], end: int) -> str:
    return f"{url}?{urlencode({'cursor': _encode(end), **kept})}"


def _encode(position: int) -> str:
    return base64.b64encode(f"p={position}".encode()).decode("ascii")


def _decode(cursor: str) -> int:
    try:
        text = base64.b64decode(cursor, validate=True).decode("ascii")
        return int(text.removeprefix("p="))
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise BadRequest("Invalid cursor") from None
