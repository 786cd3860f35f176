"""Subscribers that follow jobs and stories, and the connections that listen for hints."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from tests.schema.documents import FOLLOW, make_avatar
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Caller, Server, Socket

NEVER = timedelta(hours=1)


def job_at(server: Server) -> tuple[Partner, str]:
    caller = partner(server, unique_name("hub"))
    return caller, make_avatar(caller, caller.asset())


def listeners(engine: Engine) -> list[int]:
    with engine.connect() as conn:
        rows = conn.exec_driver_sql(
            "SELECT pid FROM pg_stat_activity "
            "WHERE application_name = 'diorama-api-listener' AND datname = current_database() AND query LIKE 'LISTEN%%'"
        )
        return [pid for (pid,) in rows]


def follow(socket: Socket, count: int, **subject: Any) -> list[dict[str, Any]]:
    """Subscribe and return the first messages."""
    socket.begin(FOLLOW, **subject)
    return take(socket, count)


def take(socket: Socket, count: int) -> list[dict[str, Any]]:
    """Return the next messages."""
    return [socket.next()["generationProgress"] for _ in range(count)]


def all_of(caller: Caller, **subject: Any) -> list[dict[str, Any]]:
    """Subscribe and return every message up to the completion; only the last may be final."""
    with caller.socket() as socket:
        socket.begin(FOLLOW, **subject)
        messages = []
        while (message := socket.receive())["type"] == "next":
            messages.append(message["payload"]["data"]["generationProgress"])
        assert message["type"] == "complete", message
    assert [each["isFinal"] for each in messages] == [False] * (len(messages) - 1) + [True]
    return messages


def seqs(messages: list[dict[str, Any]]) -> list[int]:
    """Return the sequence numbers of messages; 0 for a snapshot."""
    return [each["event"]["seq"] if each["event"] else 0 for each in messages]
