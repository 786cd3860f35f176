"""Rounds: what one process of all does for all of them, now and then.

Every worker process is ready to make the rounds; the one that holds an advisory lock of Postgres makes them. When it
dies, its connection goes and the lock with it, and another process takes over within seconds. Rounds of different locks
do not wait for each other, and may be made by different processes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger(__name__)

HOUSEKEEPING = 7_302_114_501
WATCHING = 7_302_114_503
_TRY_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Round:
    """One thing to do again and again, `every_s` seconds after it was last done, by whoever holds `lock`."""

    name: str
    every_s: float
    act: Callable[[], object]
    lock: int = HOUSEKEEPING


def by_lock(rounds: Sequence[Round]) -> list[list[Round]]:
    """Return the rounds put together by their locks."""
    locks = sorted({each.lock for each in rounds})
    return [[each for each in rounds if each.lock == lock] for lock in locks]


class Rounds:
    """Makes the rounds of one lock from a thread of its own, while this process is the one whose turn it is."""

    def __init__(self, engine: Engine, rounds: Sequence[Round]) -> None:
        self._engine = engine
        self._rounds = rounds
        self._lock = rounds[0].lock
        self._due_at = {each.name: 0.0 for each in rounds}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after what is being done."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                    self._while_chosen(conn)
            except SQLAlchemyError as error:
                log.info("the rounds are waiting for the database", why=type(error).__name__)
            self._stopping.wait(_TRY_EVERY_S)

    def _while_chosen(self, conn: Connection) -> None:
        if not conn.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": self._lock}):
            return
        try:
            while not self._stopping.wait(self._idle_s()):
                # Raises once the connection is gone, and the lock with it.
                conn.execute(text("SELECT 1"))
                self._make_due()
        finally:
            if not conn.invalidated:
                conn.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": self._lock})

    def _idle_s(self) -> float:
        return max(0.0, min(self._due_at.values()) - time.monotonic())

    def _make_due(self) -> None:
        for each in self._rounds:
            if time.monotonic() >= self._due_at[each.name]:
                self._make(each)
                self._due_at[each.name] = time.monotonic() + each.every_s

    def _make(self, each: Round) -> None:
        try:
            each.act()
        except Exception:
            # The next round may do better; the others must not suffer from this one.
            log.exception("a round failed", name=each.name)
