"""Leader locks: of many processes, one is the leader for as long as it sends heartbeats.

A leader lock is a Postgres advisory lock. Its session ends when the process dies or is silent for too long, so a host
that lost its power or network, or a stopped process, does not block the others forever.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from types import TracebackType

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

# The lock comes with a lease: Postgres itself ends the session, by its own clock, and the lock with it.
_ACQUIRE = text("SELECT set_config('idle_session_timeout', :lease_ms, false) WHERE pg_try_advisory_lock(:lock)")


class LeaderLock(AbstractContextManager["LeaderLock"]):
    """An acquired leader lock. A thread of its own sends the heartbeats between enter and exit."""

    def __init__(self, conn: Connection, lease_s: float) -> None:
        self._conn = conn
        self._using = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, args=(lease_s / 3,), name="leader-lock", daemon=True)

    def __enter__(self) -> LeaderLock:
        """Start sending heartbeats."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock by ending its session."""
        self._over.set()
        self._thread.join()
        self._conn.invalidate()
        self._conn.close()

    def is_leader(self) -> bool:
        """Send a heartbeat, and return True if the lock was still ours then. A lost lock stays lost."""
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
    """Acquire the leader lock `lock`, or return None while another process has it.

    It is lost `lease_s` seconds after the last heartbeat. Raises SQLAlchemyError if the database is unreachable.
    """
    conn = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        if conn.execute(_ACQUIRE, {"lock": lock, "lease_ms": str(round(1000 * lease_s))}).one_or_none() is not None:
            return LeaderLock(conn, lease_s)
    except SQLAlchemyError:
        conn.invalidate()
        conn.close()
        raise
    conn.close()
    return None
