"""Turns: of many processes one has its leader, and keeps it for as long as it gives signs of life.

A leader is an advisory lock of Postgres. Its session ends when the process dies, and also when nothing is heard from it
for too long: a host that lost its power or its network, or a process that was stopped, keeps nobody waiting for ever.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from types import TracebackType

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

# With the lock comes the lease: Postgres itself ends the session, by its own clock, and the lock goes with it.
_TAKE = text("SELECT set_config('idle_session_timeout', :lease_ms, false) WHERE pg_try_advisory_lock(:lock)")


class LeaderLock(AbstractContextManager["LeaderLock"]):
    """A leader that was taken. Between enter and exit a thread of its own gives the signs of life."""

    def __init__(self, conn: Connection, lease_s: float) -> None:
        self._conn = conn
        self._using = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, args=(lease_s / 3,), name="leader", daemon=True)

    def __enter__(self) -> LeaderLock:
        """Begin to give signs of life."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the leader up, by ending its session."""
        self._over.set()
        self._thread.join()
        self._conn.invalidate()
        self._conn.close()

    def is_leader(self) -> bool:
        """Give a sign of life, and return whether the leader was still held then. Once it is lost it stays lost."""
        with self._using:
            if self._conn.invalidated:
                return False
            try:
                self._conn.execute(text("SELECT 1"))
            except SQLAlchemyError:
                return False
            return True

    def _keep(self, every_s: float) -> None:
        while not self._over.wait(every_s) and self.is_leader():
            pass


def try_leader_lock(engine: Engine, lock: int, *, lease_s: float) -> LeaderLock | None:
    """Take the leader of `lock`, or return None while somebody else has it.

    It is lost `lease_s` seconds after the last sign of life. Raises SQLAlchemyError where there is no database.
    """
    conn = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        if conn.execute(_TAKE, {"lock": lock, "lease_ms": str(round(1000 * lease_s))}).one_or_none() is not None:
            return LeaderLock(conn, lease_s)
    except SQLAlchemyError:
        conn.invalidate()
        conn.close()
        raise
    conn.close()
    return None
