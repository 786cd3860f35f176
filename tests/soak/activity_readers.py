"""Readers of an account's activity that run beside everything else, each in its own way, and what each has read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from db.records.activity import read
from schema.cursors import activity_cursor, read_activity_cursor
from schema.ids import IdKind, decode_id
from schema.streams.addresses import ACTIVITY
from schema.streams.offsets import position_offset
from tests.schema.streams.reading import following, get
from tests.support.serving import Caller

Seen = tuple[int, UUID, int]
"""A position, and the job and the sequence number of its entry."""

_QUERY = """
query ($after: String) {
  activity(first: 100, after: $after) { edges { node { cursor jobId event { seq } } } }
}
"""
_SUBSCRIPTION = "subscription ($after: String) { jobActivity(after: $after) { cursor jobId event { seq } } }"


@dataclass
class Reader:
    """Reads an account from a position on with `more`, again after each error, until it is stopped."""

    account_id: UUID
    more: Callable[[UUID, int], list[Seen]]
    seen: list[Seen] = field(default_factory=list)
    errors: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="reader")
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def position(self) -> int:
        return self.seen[-1][0] if self.seen else 0

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.seen += self.more(self.account_id, self.position)
            except Exception:  # noqa: BLE001 - the database, the server or the socket is gone for a moment
                self.errors += 1
                self._stopping.wait(0.2)


def by_function(engine: Engine) -> Callable[[UUID, int], list[Seen]]:
    """Return a reader that calls the function of the database."""

    def more(account_id: UUID, after: int) -> list[Seen]:
        with engine.connect() as conn:
            found = read(conn, account_id, after, 1_000)
        return [(each.position, each.job_id, each.seq) for each in found if each.job_id and each.seq]

    return more


def by_query(caller: Caller) -> Callable[[UUID, int], list[Seen]]:
    """Return a reader that pulls pages through the API."""

    def more(account_id: UUID, after: int) -> list[Seen]:
        found = caller.ask(_QUERY, after=activity_cursor(account_id, after))["activity"]["edges"]
        return [_seen(account_id, each["node"]) for each in found]

    return more


def by_subscription(caller: Caller, draw: Random) -> Callable[[UUID, int], list[Seen]]:
    """Return a reader that subscribes, cuts its connection after some entries, and resumes."""

    def more(account_id: UUID, after: int) -> list[Seen]:
        found: list[Seen] = []
        with caller.socket() as socket:
            socket.begin(_SUBSCRIPTION, after=activity_cursor(account_id, after))
            for _ in range(draw.randint(1, 3_000)):
                try:
                    message = socket.receive(within_s=0.5)
                except TimeoutError:
                    break
                if message["type"] != "next" or message["payload"].get("errors"):
                    break
                found.append(_seen(account_id, message["payload"]["data"]["jobActivity"]))
        return found

    return more


def by_long_poll(caller: Caller) -> Callable[[UUID, int], list[Seen]]:
    """Return a reader of the stream that sends one request after the other."""

    def more(account_id: UUID, after: int) -> list[Seen]:
        response = get(caller, ACTIVITY, offset=position_offset(after), live="long-poll")
        assert response.status_code in (200, 204), response.text
        return [_seen(account_id, each) for each in (response.json() if response.content else ())]

    return more


def by_events(caller: Caller, draw: Random) -> Callable[[UUID, int], list[Seen]]:
    """Return a reader of the stream's server-sent events that leaves after some, and resumes."""

    def more(account_id: UUID, after: int) -> list[Seen]:
        found: list[Seen] = []
        with following(caller, ACTIVITY, position_offset(after)) as events, suppress(StopIteration, OSError):
            for _ in range(draw.randint(1, 20)):
                found += [_seen(account_id, each) for each in events.batch()[0]]
        return found

    return more


def _seen(account_id: UUID, node: dict[str, Any]) -> Seen:
    return read_activity_cursor(node["cursor"], account_id), decode_id(node["jobId"], IdKind.JOB), node["event"]["seq"]
