"""Recording in groups: the moves of all of a process's threads, some at a time, in one transaction.

A commit costs the same for one move and for fifty, so whatever gathered while the last group was being written goes
into the next. Nothing waits for a group to fill. A process that dies loses the moves it had gathered, like any
other work in hand: their leases end and the steps are repeated.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from db.moves import Move, Moved, Recorded, record
from jobs.hints import Hinter
from statemachine.states import STEP_OF, Step

log = logging.getLogger(__name__)

_GROUP_MAX = 200
# Beyond this many moves in hand whoever records waits, so that a stalled database slows the steps down.
_PENDING_MAX = 1000
_RETRY_EVERY_S = 0.5
_RETRIES = 60


class Recorder:
    """Writes moves from a thread of its own. `record_now` waits for the commit, `record` does not.

    `after_group` is called once a group's futures are all done.
    """

    def __init__(self, engine: Engine, hinter: Hinter) -> None:
        self._engine = engine
        self._hinter = hinter
        self._changed = threading.Condition()
        self._pending: list[tuple[Move, Future[Moved | None]]] = []
        self._closing = threading.Event()
        self.after_group: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def record(self, move: Move) -> Future[Moved | None]:
        """Record a move soon. The future tells what came of it, None where the job was no longer held.

        Its callbacks run on the recorder's own thread, so they must be quick.
        """
        future: Future[Moved | None] = Future()
        with self._changed:
            self._changed.wait_for(lambda: len(self._pending) < _PENDING_MAX)
            self._pending.append((move, future))
            self._changed.notify_all()
        return future

    def record_now(self, move: Move) -> bool:
        """Record a move and return True once it is committed, or False when the job was no longer held.

        Raises what the database raised when it refused the move.
        """
        return self.record(move).result() is not None

    def close(self) -> None:
        """Write what was gathered, then stop. Nothing may be recorded afterwards."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closing.is_set())
                group, self._pending = self._pending[:_GROUP_MAX], self._pending[_GROUP_MAX:]
                self._changed.notify_all()
            if group:
                self._write(group)
            elif self._closing.is_set():
                return

    def _write(self, group: Sequence[tuple[Move, Future[Moved | None]]]) -> None:
        """Write a group; where the database refuses it, write each move alone so that only the bad one fails."""
        try:
            recorded = self._commit([move for move, _ in group])
        except SQLAlchemyError as error:
            if len(group) > 1:
                for alone in group:
                    self._write([alone])
                return
            move, future = group[0]
            log.error("a move was refused: job %s, %s: %s", move.claim.job_id, move.decision.event, error)
            future.set_exception(error)
            return
        for move, future in group:
            future.set_result(recorded.moved.get(move.claim.job_id))
        self.after_group()

    def _commit(self, moves: Sequence[Move]) -> Recorded:
        """Commit a group, again after a lost connection: the guard makes repeating it harmless."""
        for _ in range(_RETRIES):
            try:
                with self._engine.begin() as conn:
                    recorded = record(conn, moves)
                break
            except DBAPIError as error:
                if not _passes(error):
                    raise
                log.warning("recording is waiting for the database: %s", type(error.orig).__name__)
                self._closing.wait(_RETRY_EVERY_S)
        else:
            raise OperationalError("the database stayed out of reach", None, ConnectionError())
        self._hinter.hint(_steps_due(moves, recorded), recorded.moved.keys() | recorded.relatives)
        return recorded


def _passes(error: DBAPIError) -> bool:
    """Whether repeating the transaction may succeed: a lost connection, a deadlock, a starting server."""
    sqlstate = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or sqlstate[:2] in ("08", "40", "57") or (not sqlstate)


def _steps_due(moves: Sequence[Move], recorded: Recorded) -> set[Step]:
    """Return the steps that have something to claim at once: those of the moves, and those of their relatives."""
    due = {
        STEP_OF[move.decision.to_state]
        for move in moves
        if move.decision.is_due_now and not _is_held(recorded.moved.get(move.claim.job_id))
    }
    return due | ({Step.SUBMIT, Step.COMPENSATE} if recorded.relatives else set())


def _is_held(moved: Moved | None) -> bool:
    return moved is None or moved.held
