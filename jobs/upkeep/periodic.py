"""Periodic tasks: work that one worker process does on behalf of all.

Every worker process competes for the leader lock; the leader runs the tasks. When it dies, stops, or vanishes with its
host, another process takes over within seconds. A former leader that comes back finishes the task it was running, which
is harmless: no task relies on running alone. Tasks with different locks run independently, possibly in different
processes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.leader_lock import LeaderLock, try_leader_lock

log = structlog.get_logger(__name__)

HOUSEKEEPING = 7_302_114_501
TRACKING = 7_302_114_503
SEQUENCING = 7_302_114_504
REDRIVING = 7_302_114_505
_TRY_EVERY_S = 2.0
# Without a heartbeat for this long, another process may take the leader lock.
_LEASE_S = 15.0


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """One task, run again `every_s` seconds after its last run by the leader of `lock`.

    `leave` is called when this process is the leader no longer.
    """

    name: str
    every_s: float
    act: Callable[[], object]
    lock: int = HOUSEKEEPING
    leave: Callable[[], object] = lambda: None


def by_lock(tasks: Sequence[PeriodicTask]) -> list[list[PeriodicTask]]:
    """Return the tasks grouped by lock."""
    locks = sorted({each.lock for each in tasks})
    return [[each for each in tasks if each.lock == lock] for lock in locks]


class PeriodicRunner:
    """Runs the tasks of one lock in a thread of its own while this process is the leader."""

    def __init__(self, engine: Engine, tasks: Sequence[PeriodicTask], *, lease_s: float = _LEASE_S) -> None:
        self._engine = engine
        self._lease_s = lease_s
        self._tasks = tasks
        self._lock = tasks[0].lock
        self._due_at = {each.name: 0.0 for each in tasks}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="periodic", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the current task."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                leader = try_leader_lock(self._engine, self._lock, lease_s=self._lease_s)
                if leader is not None:
                    with leader:
                        self._while_leader(leader)
            except SQLAlchemyError as error:
                log.info("periodic tasks are waiting for the database", why=type(error).__name__)
            self._stopping.wait(_TRY_EVERY_S)

    def _while_leader(self, leader: LeaderLock) -> None:
        try:
            while not self._stopping.wait(self._idle_s()):
                if not self._run_due(leader):
                    log.info("lost the leader lock of the periodic tasks")
                    return
        finally:
            for each in self._tasks:
                each.leave()

    def _idle_s(self) -> float:
        return max(0.0, min(self._due_at.values()) - time.monotonic())

    def _run_due(self, leader: LeaderLock) -> bool:
        """Run the tasks that are due; return False if the leader lock was lost before all were run."""
        for each in self._tasks:
            if time.monotonic() >= self._due_at[each.name]:
                if not leader.is_leader():
                    return False
                self._run_one(each)
                self._due_at[each.name] = time.monotonic() + each.every_s
        return True

    def _run_one(self, each: PeriodicTask) -> None:
        try:
            each.act()
        except Exception:
            # The next run may succeed; the other tasks must not suffer from this one.
            log.exception("a periodic task failed", name=each.name)
