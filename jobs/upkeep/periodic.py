"""Rounds: what one process of all does for all of them, now and then.

Every worker process is ready to make the rounds; the one whose turn it is makes them. When it dies, is stopped, or
vanishes with its host, another process takes over within seconds. One that comes back finishes the round that it was
in, which does no harm: no round relies on being the only one. Rounds of different locks do not wait for each other, and
may be made by different processes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.leader_lock import Turn, take_turn

log = structlog.get_logger(__name__)

HOUSEKEEPING = 7_302_114_501
WATCHING = 7_302_114_503
_TRY_EVERY_S = 2.0
# Without a sign of life for this long the turn is another's.
_LEASE_S = 15.0


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

    def __init__(self, engine: Engine, rounds: Sequence[Round], *, lease_s: float = _LEASE_S) -> None:
        self._engine = engine
        self._lease_s = lease_s
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
                turn = take_turn(self._engine, self._lock, lease_s=self._lease_s)
                if turn is not None:
                    with turn:
                        self._while_held(turn)
            except SQLAlchemyError as error:
                log.info("the rounds are waiting for the database", why=type(error).__name__)
            self._stopping.wait(_TRY_EVERY_S)

    def _while_held(self, turn: Turn) -> None:
        while not self._stopping.wait(self._idle_s()):
            if not self._make_due(turn):
                log.info("somebody else makes the rounds now")
                return

    def _idle_s(self) -> float:
        return max(0.0, min(self._due_at.values()) - time.monotonic())

    def _make_due(self, turn: Turn) -> bool:
        """Make the rounds that are due; return False where the turn was lost before all were made."""
        for each in self._rounds:
            if time.monotonic() >= self._due_at[each.name]:
                if not turn.is_held():
                    return False
                self._make(each)
                self._due_at[each.name] = time.monotonic() + each.every_s
        return True

    def _make(self, each: Round) -> None:
        try:
            each.act()
        except Exception:
            # The next round may do better; the others must not suffer from this one.
            log.exception("a round failed", name=each.name)
