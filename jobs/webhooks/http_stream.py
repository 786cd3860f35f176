"""HTTP/1.1 over one connection: a request, the head of its response, and as much of the body as is worth reading.

Not with an HTTP client: a pool, its locks and its portability between event loops cost several times what the exchange
itself costs, and a worker posts hundreds of messages a second.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import h11

from jobs.webhooks.limits import SendLimits

_READ_BYTES = 64 * 1024


class HttpStream:
    """An open connection, on which one exchange follows the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        # It also bounds the head of a response: 16 KiB.
        self._http = h11.Connection(h11.CLIENT)

    async def exchange(self, request: h11.Request, content: bytes) -> h11.Response:
        """Send a request and return the head of the response. Raises OSError and h11.ProtocolError."""
        events = (request, h11.Data(data=content), h11.EndOfMessage())
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))
        await self._writer.drain()
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("closed without a response")

    async def is_reusable(self, limits: SendLimits) -> bool:
        """Read the body of the response within its limits; return True if the connection can be used again."""
        total = 0
        with suppress(OSError, h11.ProtocolError):
            async with asyncio.timeout(limits.body_s):
                while not isinstance(event := await self._next(), h11.EndOfMessage | h11.ConnectionClosed):
                    total += len(event.data) if isinstance(event, h11.Data) else 0
                    if total > limits.body_bytes:
                        return False
            if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                self._http.start_next_cycle()
                return True
        return False

    def close(self) -> None:
        """Close the connection at once."""
        self._writer.transport.abort()

    async def _next(self) -> h11.Event:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                raise h11.RemoteProtocolError("data after the response")
            self._http.receive_data(await self._reader.read(_READ_BYTES))
