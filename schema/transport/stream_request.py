"""Reading the parameters of a request for a Durable Stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from schema.streams.offsets import BEGINNING
from schema.transport.http_request import refuse

LONG_POLL: Final = "long-poll"
EVENTS: Final = "sse"


@dataclass(frozen=True, slots=True)
class AskedStream:
    """A place to read from, and how. `live` is None for what is there; `cursor` is the last that the client got."""

    offset: str
    live: str | None
    cursor: int | None
    is_resumed: bool

    @property
    def is_live(self) -> bool:
        """Return whether the response waits for what comes."""
        return self.live is not None


def read_asked_stream(request: Request) -> AskedStream:
    """Return the parameters; raise Refusal for malformed ones. Unknown ones are ignored."""
    live, offset = one_parameter(request, "live"), one_parameter(request, "offset")
    if live not in (None, LONG_POLL, EVENTS):
        raise refuse(400, f"`live` must be {LONG_POLL} or {EVENTS}.")
    if offset == "" or (live is not None and offset is None):
        raise refuse(400, "Give `offset`: -1 for the beginning, now for the end, or the last Stream-Next-Offset.")
    # What a browser's EventSource received last; its address has the offset of its first request.
    resumed = request.headers.get("last-event-id") if live == EVENTS else None
    return AskedStream(resumed or offset or BEGINNING, live, _number(one_parameter(request, "cursor")), bool(resumed))


def one_parameter(request: Request, name: str) -> str | None:
    """Return a parameter of the address, or None; raise Refusal where it is given several times."""
    given = request.query_params.getlist(name)
    if len(given) > 1:
        raise refuse(400, f"Give `{name}` once.")
    return given[0] if given else None


def _number(text: str | None) -> int | None:
    """Return a cursor as a number; one that is not ours is of no use."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 15 else None
