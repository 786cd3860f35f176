"""Tells the time in every answer's `Date`, by the simulator's own clock, which may be moved or set wrong."""

from __future__ import annotations

from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.clock import Clock


def dated(app: ASGIApp, clock: Clock) -> ASGIApp:
    """Return the application with a `Date` in its answers."""

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(clock.now(), usegmt=True).encode("ascii")
                message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
            await send(message)

        await app(scope, receive, send_dated)

    return telling
