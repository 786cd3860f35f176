"""The addresses of streams."""

from __future__ import annotations

from uuid import UUID

from schema.ids import IdKind, encode_id

STREAMS_PATH = "/streams"
ACTIVITY = "activity"
OF_ONE = {IdKind.STORY: "stories", IdKind.JOB: "jobs"}


def path_of(kind: IdKind, id: UUID) -> str:
    """Return the path of the stream of a story or a job, below STREAMS_PATH."""
    return f"{OF_ONE[kind]}/{encode_id(kind, id)}"


def with_ticket(base_url: str, path: str, ticket: str) -> str:
    """Return the URL that opens a stream without any header."""
    return f"{base_url}{STREAMS_PATH}/{path}?ticket={ticket}"
