"""Server-sent events: a response that goes on until its source ends, the client leaves or the credential does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager, suppress
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from schema.transport.credential_check import Callers, Credential

EVENT_STREAM = "text/event-stream"
# A comment, which clients skip: it keeps proxies from taking a quiet stream for a dead one.
_PING = b":\n\n"


def event(name: str, data: str = "", *, id: str | None = None) -> bytes:
    """Return one event. `data` is one line of text, as JSON is; a browser that reconnects sends back the last `id`."""
    numbered = "" if id is None else f"id: {id}\n"
    return f"event: {name}\n{numbered}data: {data}\n\n".encode()


@dataclass
class StreamEnd:
    """The end of a stream from outside: of the key or token that it was opened with."""

    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """End the stream."""
        self._ended.set()

    async def wait(self) -> None:
        """Wait for the end."""
        await self._ended.wait()


class OpenStreams:
    """The streams of this process, which has a limit of them. A stream ends with the key or token that opened it."""

    def __init__(self, callers: Callers, *, most: int, ping_every_s: float) -> None:
        self._callers = callers
        self._most = most
        self._ping_every_s = ping_every_s
        self._open = 0

    @property
    def is_full(self) -> bool:
        """Return whether there are as many streams as there may be."""
        return self._open >= self._most

    def response(
        self, events: AsyncGenerator[bytes, None], given: Credential, *, within_s: float | None = None
    ) -> EventStream:
        """Return the response that sends these events to the owner of a key or token, for `within_s` at most."""
        return EventStream(events, self.lifetime(given, within_s=within_s), ping_every_s=self._ping_every_s)

    @contextmanager
    def lifetime(self, given: Credential, *, within_s: float | None = None) -> Iterator[StreamEnd]:
        """Count one stream during the block, and yield what ends it: its key or token, or the time."""
        end = StreamEnd()
        timer = None if within_s is None else asyncio.get_running_loop().call_later(within_s, end.end)
        self._callers.add(given, end.end)
        self._open += 1
        try:
            yield end
        finally:
            self._open -= 1
            self._callers.remove(given, end.end)
            if timer is not None:
                timer.cancel()


class EventStream(Response):
    """Sends events as they come. The events are closed in any case, so that nothing follows a client that has gone."""

    media_type = EVENT_STREAM

    def __init__(
        self,
        events: AsyncGenerator[bytes, None],
        lifetime: AbstractContextManager[StreamEnd],
        *,
        ping_every_s: float,
    ) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._lifetime = lifetime
        self._ping_every_s = ping_every_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the first of the three ends."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # The client may go in the middle of a message.
        with suppress(OSError):
            with self._lifetime as end:
                await first_of(self._send_all(send), left(receive), end.wait())
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_all(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            coming = asyncio.ensure_future(anext(events, None))
            try:
                while (given := await self._next(coming, send)) is not None:
                    await _send(send, given)
                    coming = asyncio.ensure_future(anext(events, None))
            finally:
                # A generator cannot be closed while it runs.
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def _next(self, coming: asyncio.Future[bytes | None], send: Send) -> bytes | None:
        while not (await asyncio.wait([coming], timeout=self._ping_every_s))[0]:
            await _send(send, _PING)
        return coming.result()


async def first_of(*waits: Coroutine[None, None, object]) -> None:
    """Run all until the first has ended, and cancel the others. Raises what that one raised."""
    tasks = [asyncio.create_task(each) for each in waits]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def left(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
