"""Sends responses: whole, slowly, cut short, or not at all."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from simulator.api.exchange import Reply, Transmission
from simulator.protocol import reset_connection

SLICES = 20
"""The number of pieces of a slow body."""


async def send_reply(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a response."""
    transmission = reply.transmission
    if transmission is None:
        await _start(reply, send)
        await send({"type": "http.response.body", "body": reply.body})
    elif transmission.lost:
        await _until_client_leaves(receive)
    elif transmission.reset:
        await _reset(reply, transmission, scope, send)
    else:
        await _drip(reply, transmission, send)


async def _start(reply: Reply, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    if reply.content_type is not None:
        headers.append((b"content-type", reply.content_type.encode("latin-1")))
    if not any(name == b"content-length" for name, _ in headers) and reply.status != 204:
        headers.append((b"content-length", str(len(reply.body)).encode("ascii")))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})


async def _until_client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _reset(reply: Reply, transmission: Transmission, scope: Scope, send: Send) -> None:
    if transmission.cut_at is not None:
        await _start(reply, send)
        part = reply.body[: int(len(reply.body) * transmission.cut_at)]
        await send({"type": "http.response.body", "body": part, "more_body": True})
    reset_connection(scope)


async def _drip(reply: Reply, transmission: Transmission, send: Send) -> None:
    await _start(reply, send)
    step = max(1, len(reply.body) // SLICES)
    for at in range(0, len(reply.body), step):
        await asyncio.sleep(transmission.body_takes_s / SLICES)
        await send({"type": "http.response.body", "body": reply.body[at : at + step], "more_body": True})
    await send({"type": "http.response.body", "body": b""})
