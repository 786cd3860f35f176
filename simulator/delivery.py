"""The delivery listener: serves output files without a token, whole or in ranges."""

from __future__ import annotations

import hashlib
import re

from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.api import facts
from simulator.api.endpoint import read_call
from simulator.api.exchange import Call, Reply
from simulator.api.sending import send_reply
from simulator.faults import responses
from simulator.media import Media
from simulator.simulation import Simulation

OPERATION = "delivery.get"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def delivery_app(sim: Simulation) -> ASGIApp:
    """Return the application of the delivery listener."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        call = await read_call(OPERATION, scope, receive)
        sim.counters.requests[OPERATION] += 1
        reply = await _under_faults(sim, call)
        sim.counters.responses[f"{OPERATION} {reply.status}"] += 1
        await send_reply(reply, scope, receive, send)

    return app


async def _under_faults(sim: Simulation, call: Call) -> Reply:
    if not sim.faults.rules:
        return await _reply(sim, call)
    output = sim.outputs.find(call.path)
    about = facts.of_download(call, output.prediction if output else None)
    return await responses.under(sim.faults, sim.counters, about, lambda: _reply(sim, call))


async def _reply(sim: Simulation, call: Call) -> Reply:
    if call.method not in ("GET", "HEAD"):
        return Reply(405, b"Method not allowed\n", "text/plain", {"Allow": "GET, HEAD"})
    output = sim.outputs.find(call.path)
    if output is None:
        return Reply(404, b"Not found\n", "text/plain")
    reply = _file(await output.read(), call.headers.get("range"))
    return _without_body(reply) if call.method == "HEAD" else reply


def _file(media: Media, range_header: str | None) -> Reply:
    size = len(media.content)
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{hashlib.md5(media.content).hexdigest()}"'}  # noqa: S324
    requested = _RANGE.match(range_header or "")
    if requested is None or not any(requested.groups()):
        return Reply(200, media.content, media.content_type, headers)
    start, stop = _span(requested, size)
    if start >= stop:
        return Reply(416, b"", media.content_type, {**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return Reply(206, media.content[start:stop], media.content_type, headers)


def _span(requested: re.Match[str], size: int) -> tuple[int, int]:
    """Return the first requested byte and the one after the last; `bytes=-5` means the last five."""
    first, last = requested.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _without_body(reply: Reply) -> Reply:
    length = {"Content-Length": str(len(reply.body))}
    return Reply(reply.status, b"", reply.content_type, {**reply.headers, **length})
