"""A reader of server-sent events, as an open response brings them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import httpx


class Event(NamedTuple):
    """An event. The name and the id are empty, and the data is None, where the server sent none."""

    name: str
    id: str
    data: Any


class EventReader:
    """The events of an open response, and the comments between them."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next(self) -> Event:
        """Return the next event; raise StopIteration at the end of the response."""
        found: dict[str, str] = {}
        for line in self._lines:
            if not line and "data" in found:
                return Event(found.get("event", ""), found.get("id", ""), json.loads(found["data"] or "null"))
            field, _, value = line.partition(":")
            found[field] = value.removeprefix(" ")
        raise StopIteration

    def take_ping(self) -> None:
        """Read up to the next comment."""
        assert next(line for line in self._lines if line) == ":"

    def has_ended(self) -> bool:
        """Return whether the response ends before another event."""
        try:
            self.next()
        except StopIteration:
            return True
        return False
