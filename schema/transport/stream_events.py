"""A Durable Stream as server-sent events: `data` with messages, and after each `control` with where the reader is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import orjson
import structlog

from schema.errors import ApiError
from schema.streams.stream import Batch, Stream
from schema.transport.event_stream import event
from schema.transport.stream_headers import live_cursor

log = structlog.get_logger(__name__)

# A reader to whom nothing of an account's activity is shown must not read all of it again when it comes back.
_MOVED_ON_AFTER_S = 5.0


async def stream_events(stream: Stream, first: Batch, cursor: int | None) -> AsyncGenerator[bytes, None]:
    """Yield a batch that was read, and what follows it. Ends with the stream, or where the client has to come back."""
    yield _events(first, cursor)
    if first.closed:
        return
    sent, sent_at_s = first, monotonic()
    try:
        async with aclosing(stream.follow(first.next_offset)) as batches:
            async for batch in batches:
                if batch.messages or batch.closed or _is_news(batch, sent, monotonic() - sent_at_s):
                    yield _events(batch, cursor)
                    sent, sent_at_s = batch, monotonic()
                if batch.closed:
                    return
    except ApiError:
        # The server stops, or the reader was too slow: it comes back with its last offset.
        return
    except Exception:
        log.exception("a stream ended early; its reader comes back with its last offset")


def _is_news(batch: Batch, sent: Batch, for_s: float) -> bool:
    """Return whether a batch without messages is worth an event."""
    if batch.up_to_date and not sent.up_to_date:
        return True
    return batch.next_offset != sent.next_offset and for_s > _MOVED_ON_AFTER_S


def _events(batch: Batch, cursor: int | None) -> bytes:
    """Return the events of a batch, as one write: without its `control`, a client would read a `data` again."""
    # A browser resumes after the last id, whichever of the two events it got.
    data = event("data", orjson.dumps(batch.messages).decode(), id=batch.next_offset) if batch.messages else b""
    return data + event("control", orjson.dumps(_control(batch, cursor)).decode(), id=batch.next_offset)


def _control(batch: Batch, cursor: int | None) -> dict[str, Any]:
    control: dict[str, Any] = {
        "streamNextOffset": batch.next_offset,
        "streamCursor": live_cursor(cursor, datetime.now(UTC)),
    }
    if batch.up_to_date:
        control["upToDate"] = True
    if batch.closed:
        control["streamClosed"] = True
    return control
