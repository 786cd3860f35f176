"""Adds a `Date` header to every response, by the simulator's own clock, which may be moved or set wrong."""

from __future__ import annotations

from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.clock import Clock


def with_date(app: ASGIApp, clock: Clock) -> ASGIApp:
    """Return the application with a `Date` header in its responses."""

    async def dated(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(clock.now(), usegmt=True).encode("ascii")
                message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
            await send(message)

        await app(scope, receive, send_dated)

    return dated
