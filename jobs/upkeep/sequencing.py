"""The sequencer at work: hints of what moves jobs wake it up, and it notifies the readers of the activity.

One process does it for all. A lost hint costs a second, and so does a leader that dies; no event is lost with it.
"""

from __future__ import annotations

import time

import psycopg
import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from db.engine.activity import adopt, sequence
from db.engine.notify import DUE_CHANNEL, EVENTS_CHANNEL

log = structlog.get_logger(__name__)

# A step lasts this long: the heartbeats of the leader lock and a stop come between two steps.
_STEP_S = 0.25
# Without hints, what is new is read this often.
_POLL_EVERY_S = 1.0
# No limit on time, for what has piled up while no worker was running, and the plan for it.
_SESSION = (
    "SET application_name = 'diorama-sequencer'",
    "SET statement_timeout = 0",
    "SET enable_hashjoin = on",
    f"LISTEN {DUE_CHANNEL}",
    f"LISTEN {EVENTS_CHANNEL}",
)


class Sequencer:
    """Numbers events in steps. From the first step until it is closed, it has a connection, which also listens.

    A run is a statement of its own on that connection, so a process that stops in the middle locks nothing.
    """

    def __init__(self, engine: Engine, *, every_s: float) -> None:
        self._engine = engine
        self._every_s = every_s
        self._conn: Connection | None = None
        self._poll_at = 0.0

    def step(self) -> None:
        """For a moment, number what is new whenever hints say so or the slow poll is due; then pause for `every_s`."""
        until = time.monotonic() + _STEP_S
        try:
            conn = self._conn or self._connect()
            while (left := until - time.monotonic()) > 0:
                if _hinted(conn, left) or time.monotonic() >= self._poll_at:
                    sequence(conn)
                    self._poll_at = time.monotonic() + _POLL_EVERY_S
                    time.sleep(self._every_s)
        except (psycopg.Error, SQLAlchemyError) as error:
            log.info("numbering events was interrupted", reason=type(error).__name__)
            self.close()

    def close(self) -> None:
        """Give up the connection. A later step makes another."""
        if self._conn is not None:
            # The pool must not hand on a session that listens.
            self._conn.invalidate()
            self._conn.close()
        self._conn, self._poll_at = None, 0.0

    def _connect(self) -> Connection:
        with self._engine.begin() as conn:
            missing = adopt(conn)
        if missing is not None:
            log.warning("the history of another server was adopted", events_without_position=missing)
        self._conn = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        for statement in _SESSION:
            self._conn.execute(text(statement))
        return self._conn


def _hinted(conn: Connection, within_s: float) -> bool:
    """Wait for hints, and return whether any came: one run is enough for those that came together."""
    driver = conn.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return len(list(driver.notifies(timeout=within_s, stop_after=1))) > 0
