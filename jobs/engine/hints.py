"""Hints: notifying idle workers and API processes of new work and events.

A lost hint only costs the wait for the next slow poll. So hints are sent after the commit, on a connection of their
own, many in one statement: a NOTIFY inside the recording transaction would lock the whole database at commit and cost
two thirds of the throughput.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from math import inf
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import Engine

from db.connection import LISTENING
from db.engine.notify import DUE_CHANNEL, EVENTS_CHANNEL, notify
from statemachine.vocabulary import Step

__all__ = ["DUE_CHANNEL", "EVENTS_CHANNEL", "EVERYTHING", "HintListener", "Hinter", "due_steps", "hinted_ids"]

log = structlog.get_logger(__name__)

# Postgres takes 8,000 bytes a payload; an id has 32 characters and a space.
_IDS_MAX = 200
EVERYTHING = "*"
_EVERY_S = 0.02
_RECONNECT_AFTER_S = 1.0


class Hinter:
    """Sends hints from a thread of its own: the first at once, then one statement for all hints of about 20 ms."""

    def __init__(self, engine: Engine) -> None:
        # A statement is a transaction of its own here: one round trip a hint.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._wake = threading.Condition()
        self._steps: set[Step] = set()
        self._ids: set[UUID] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="hinter", daemon=True)
        self._thread.start()

    def hint(self, steps: Iterable[Step], ids: Iterable[UUID]) -> None:
        """Notify listeners that these steps have due jobs and that these jobs have new events. Never blocks."""
        with self._wake:
            self._steps.update(steps)
            self._ids.update(ids)
            self._wake.notify()

    def close(self) -> None:
        """Send what is left and stop."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        sent_at = -inf
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._steps or self._ids or self._stopping)
                self._wake.wait_for(lambda: self._stopping, max(0.0, sent_at + _EVERY_S - time.monotonic()))
                steps, self._steps = self._steps, set()
                ids, self._ids = self._ids, set()
            if steps or ids:
                self._send(steps, ids)
                sent_at = time.monotonic()
            elif self._stopping:
                return

    def _send(self, steps: set[Step], ids: set[UUID]) -> None:
        payloads = {
            "steps": " ".join(sorted(steps)),
            "ids": " ".join(job_id.hex for job_id in ids) if len(ids) <= _IDS_MAX else EVERYTHING,
        }
        try:
            with self._engine.connect() as conn:
                notify(conn, **payloads)
        except Exception as error:  # noqa: BLE001 - the listeners' slow poll makes up for any lost hint
            log.info("a hint was lost", reason=type(error).__name__)


class HintListener:
    """Calls the function of a channel with the payload of each hint, from a thread with a connection of its own.

    After a lost connection it reconnects and calls each function with None, because it may have missed hints.
    """

    def __init__(self, url: str, channels: Mapping[str, Callable[[str | None], None]]) -> None:
        self._url = url
        self._channels = channels
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hint-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; returns within about a second."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._url, application_name="diorama-hint-listener", **LISTENING) as conn:
                    for channel, on_hint in self._channels.items():
                        conn.execute(f"LISTEN {channel}")
                        on_hint(None)
                    self._listen(conn)
            except psycopg.Error as error:
                log.info("listening for hints was interrupted", reason=type(error).__name__)
                self._stopping.wait(_RECONNECT_AFTER_S)

    def _listen(self, conn: psycopg.Connection[tuple[object, ...]]) -> None:
        while not self._stopping.is_set():
            for notification in conn.notifies(timeout=0.5):
                self._channels[notification.channel](notification.payload)


def hinted_ids(payload: str) -> frozenset[UUID] | None:
    """Return the ids that a hint names, or None if it stands for all. What is no id comes from a newer program."""
    if payload == EVERYTHING:
        return None
    try:
        return frozenset(UUID(hex=word) for word in payload.split())
    except ValueError:
        # The slow poll sees to it.
        return frozenset()


def due_steps(payload: str | None) -> Iterable[Step]:
    """Return the steps that a hint of due jobs names: all of them for None, which stands for missed hints."""
    return list(Step) if payload is None else _steps_in(payload)


def _steps_in(payload: str) -> list[Step]:
    """Return the known steps of a payload; a newer program may name others."""
    known = {str(step): step for step in Step}
    return [known[word] for word in payload.split() if word in known]
