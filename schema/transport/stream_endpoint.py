"""Durable Streams over HTTP: what is there (catch-up), what comes next (long-poll), and all that comes (events).

Source: PROTOCOL.md of durable-streams. Streams are only read here: what writes them is the work itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jobs.errors import Suspended
from jobs.identity import Principal
from jobs.stream_tickets import ticket_holder
from schema.admitted import check_admitted
from schema.context import Parts
from schema.errors import LIMIT_EXCEEDED, NOT_FOUND, SUSPENDED, ApiError, unauthenticated
from schema.ids import MalformedId
from schema.live.buffers import ServerClosing
from schema.streams.addresses import STREAMS_PATH
from schema.streams.offsets import NOW, MalformedOffset, OffsetPurged
from schema.streams.stream import Batch, Stream
from schema.transport import stream_headers
from schema.transport.bearer import bearer
from schema.transport.callers import caller_of
from schema.transport.credential_check import Credential
from schema.transport.event_stream import OpenStreams, first_of, left
from schema.transport.http import failed, new_request_id, unforeseen
from schema.transport.http_request import PLAIN_JSON, Refusal, refuse
from schema.transport.stream_events import stream_events
from schema.transport.stream_request import EVENTS, AskedStream, one_parameter, read_asked_stream

_READING = ("GET", "HEAD")

Opener = Callable[[Parts, Principal, Request], Stream]
"""Returns the stream that a request names, for its caller; raises MalformedId or ApiError for none."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The caller of a request, and the secret whose end is the end of the response."""

    caller: Principal
    secret: str
    has_ticket: bool

    @property
    def credential(self) -> Credential:
        """Return the key, token or ticket of the request."""
        return Credential(self.secret, self.caller.role)

    def cache_control(self, batch: Batch) -> str:
        """Return how long a browser may keep a response: none whose address has a ticket, which nothing should keep."""
        return stream_headers.NO_STORE if self.has_ticket else stream_headers.cache_control(batch)

    def seconds(self, most: float) -> float:
        """Return how long a response may last: `most`, or less if the caller's session ends sooner."""
        session = self.caller.session
        return most if session is None else min(most, (session.expires_at - datetime.now(UTC)).total_seconds())


class StreamEndpoint:
    """Serves the streams of one kind."""

    def __init__(self, parts: Parts, streams: OpenStreams, opened: Opener) -> None:
        self._parts = parts
        self._streams = streams
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request as an ASGI application, of any method."""
        request = Request(scope, receive)
        response = await self._guarded(request, receive)
        await response(scope, receive, send)

    async def _guarded(self, request: Request, receive: Receive) -> Response:
        request_id = new_request_id(request.headers.get("x-request-id"))
        try:
            response = await _refusing(self._respond(request, receive))
        except Refusal as refusal:
            response = failed([refusal.error], request_id, refusal.status, PLAIN_JSON)
            response.headers.update(refusal.headers)
        except Exception as error:  # noqa: BLE001 - the last resort: masked for the caller, logged
            response = unforeseen(error, request_id, PLAIN_JSON)
        response.headers.setdefault("Cache-Control", stream_headers.NO_STORE)
        response.headers.update(stream_headers.ALWAYS)
        response.headers["X-Request-Id"] = request_id
        return response

    async def _respond(self, request: Request, receive: Receive) -> Response:
        if request.method not in _READING:
            raise refuse(405, "A stream can only be read, with GET or HEAD.", {"Allow": ", ".join(_READING)})
        reader = await self._reader(request)
        stream = self._opened(self._parts, reader.caller, request)
        if request.method == "HEAD":
            return _placed(await stream.tail(), {"Content-Type": PLAIN_JSON})
        asked = read_asked_stream(request)
        if asked.offset != NOW:
            return await self._read(stream, asked, request, reader, receive)
        end = await stream.tail()
        if not asked.is_live:
            return _caught_up(end, request, stream_headers.NO_STORE)
        return await self._read(stream, replace(asked, offset=end.next_offset), request, reader, receive)

    async def _read(
        self, stream: Stream, asked: AskedStream, request: Request, reader: Reader, receive: Receive
    ) -> Response:
        if not asked.is_live:
            batch = await stream.read(asked.offset)
            return _caught_up(batch, request, reader.cache_control(batch))
        check_admitted(reader.caller)
        if self._streams.is_full:
            raise Refusal(503, ApiError(LIMIT_EXCEEDED, "Too many streams; try again later.", retryable=True))
        if asked.live == EVENTS:
            return await self._events(stream, asked, reader)
        return await self._polled(stream, asked, request, reader, receive)

    async def _events(self, stream: Stream, asked: AskedStream, reader: Reader) -> Response:
        # Read before the response begins: then a refusal still has its own status.
        first = await stream.read(asked.offset)
        if asked.is_resumed and first.closed and not first.messages:
            # The one response after which a browser's EventSource does not reconnect.
            return _placed(first, {}, 204)
        within_s = reader.seconds(self._parts.settings.events_for.total_seconds())
        return self._streams.response(stream_events(stream, first, asked.cursor), reader.credential, within_s=within_s)

    async def _polled(
        self, stream: Stream, asked: AskedStream, request: Request, reader: Reader, receive: Receive
    ) -> Response:
        poll = _Poll(stream, asked.offset)
        within_s = reader.seconds(self._parts.settings.long_poll_for.total_seconds())
        with self._streams.lifetime(reader.credential) as end:
            await first_of(poll.run(), poll.time_out(within_s), left(receive), end.wait())
        cursor = {stream_headers.CURSOR: stream_headers.live_cursor(asked.cursor, datetime.now(UTC))}
        if not poll.found.messages:
            return _placed(poll.found, cursor, 204)
        response = _caught_up(poll.found, request, stream_headers.NO_STORE)
        response.headers.update(cursor)
        return response

    async def _reader(self, request: Request) -> Reader:
        secret = bearer(request.headers.get("authorization"))
        ticket = None if secret else one_parameter(request, "ticket")
        if ticket is not None:
            path = request.url.path.removeprefix(f"{STREAMS_PATH}/")
            caller = await self._parts.database.read(ticket_holder, ticket, path)
        else:
            caller = await caller_of(self._parts, secret)
        given = secret or ticket
        if given is None or caller is None:
            raise Refusal(401, unauthenticated(), {"WWW-Authenticate": "Bearer"})
        return Reader(caller, given, has_ticket=ticket is not None)


class _Poll:
    """Waits for the first messages after an offset, or the end; `found` is how far it has read."""

    def __init__(self, stream: Stream, offset: str) -> None:
        self._stream = stream
        self._has_read = asyncio.Event()
        self.found = Batch([], offset, up_to_date=False)

    async def run(self) -> None:
        """Return once there are messages, the stream has ended, or the server stops."""
        try:
            async with aclosing(self._stream.follow(self.found.next_offset)) as batches:
                async for batch in batches:
                    self.found = batch
                    self._has_read.set()
                    if batch.messages or batch.closed:
                        return
        except ServerClosing:
            # As at the end of the time: the client asks again, and reaches another server.
            return

    async def time_out(self, after_s: float) -> None:
        """Return after a time from the first read: however busy the server is, each request gets further."""
        await self._has_read.wait()
        await asyncio.sleep(after_s)


async def _refusing(response: Awaitable[Response]) -> Response:
    """Wait for a response; raise Refusal, with the status of the protocol, for what a stream refuses."""
    try:
        return await response
    except MalformedOffset as error:
        raise refuse(400, str(error)) from None
    except OffsetPurged as error:
        raise refuse(410, str(error)) from None
    except Suspended as error:
        raise Refusal(403, ApiError(SUSPENDED, error.message)) from None
    except MalformedId:
        raise Refusal(404, ApiError(NOT_FOUND, "The stream does not exist.")) from None
    except ServerClosing as error:
        raise Refusal(503, error) from None
    except ApiError as error:
        raise Refusal(_STATUS.get((error.extensions or {})["code"], 400), error) from None


_STATUS = {NOT_FOUND: 404, "FORBIDDEN": 403, "SERVICE_UNAVAILABLE": 503, "SUBSCRIBER_TOO_SLOW": 503}


def _caught_up(batch: Batch, request: Request, cache_control: str) -> Response:
    body = orjson.dumps(batch.messages)
    tag = stream_headers.etag(body, batch)
    headers = stream_headers.place_headers(batch) | {"ETag": tag, "Cache-Control": cache_control}
    if stream_headers.matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=PLAIN_JSON)


def _placed(batch: Batch, headers: dict[str, str], status: int = 200) -> Response:
    """Return a response without a body that says where the reader is."""
    return Response(status_code=status, headers=stream_headers.place_headers(batch) | headers)
