"""The addresses of the streams."""

from __future__ import annotations

import strawberry
from starlette.requests import Request
from starlette.routing import Route

from jobs.identity import Principal
from schema.context import Parts
from schema.ids import IdKind, decode_id
from schema.live.activity import Subject as ActivitySubject
from schema.live.progress import Subject
from schema.streams.activity_stream import ActivityStream
from schema.streams.addresses import ACTIVITY, OF_ONE, STREAMS_PATH
from schema.streams.job_stream import JobStream
from schema.streams.stream import Stream
from schema.transport.event_stream import OpenStreams
from schema.transport.stream_endpoint import Opener, StreamEndpoint
from schema.types.activity import ActivityFilter


def stream_routes(parts: Parts, streams: OpenStreams) -> list[Route]:
    """Return the routes of all streams."""
    addresses: dict[str, Opener] = {
        ACTIVITY: _activity,
        **{f"{name}/{{id}}": _history(kind) for kind, name in OF_ONE.items()},
    }
    return [
        Route(f"{STREAMS_PATH}/{address}", StreamEndpoint(parts, streams, opened))
        for address, opened in addresses.items()
    ]


def _activity(parts: Parts, reader: Principal, request: Request) -> Stream:
    account = request.query_params.get("account")
    wanted = None if account is None else ActivityFilter(account=strawberry.ID(account))
    return ActivityStream(parts, reader, ActivitySubject.of(reader, wanted))


def _history(kind: IdKind) -> Opener:
    def opened(parts: Parts, reader: Principal, request: Request) -> Stream:
        return JobStream(parts, reader, Subject(kind, decode_id(request.path_params["id"], kind)))

    return opened
