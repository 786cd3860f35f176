"""Recording in groups: one transaction writes the pending moves of all threads of a process.

A commit costs the same for one move and for fifty, so all moves that arrived during the last commit go into the next
one. A group does not wait to fill up, except for a moment under load. A process that dies loses its pending moves like
any other unfinished work: their leases end and the steps are repeated.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.recording import Move, Moved, Recorded, record
from db.public_ids import IdKind, encode_id
from db.transient import is_transient
from jobs.engine.hints import Hinter
from statemachine.steps import STEP_OF
from statemachine.vocabulary import Step

log = structlog.get_logger(__name__)

_GROUP_MAX = 200
# After a group of this size the next one gathers for as long as the last one took to write, at most this long, so that
# it includes the moves that follow from the last: the slower the database, the larger the groups.
_BUSY_FROM = 16
_GATHER_MAX_S = 0.012
# With this many pending moves `record` blocks, so that a stalled database slows the steps down.
_PENDING_MAX = 1000
_RETRY_EVERY_S = 0.2
_GIVE_UP_AFTER_S = 30.0


# Called with the result of a move: recorded, dropped (None) because the lease was lost, or refused with an error.
Then = Callable[[Moved | None, Exception | None], None]


def _ignore(moved: Moved | None, error: Exception | None) -> None:
    """Do nothing: most callers need no result."""


class DatabaseUnreachable(Exception):
    """The database was unreachable for as long as a move can wait."""


class Recorder:
    """Writes moves from a thread of its own. `record_now` waits for the commit, `record` does not.

    `after_group` is called once the callbacks of all moves of a group have run. A database that is away is tried
    every `retry_every_s` seconds, for `give_up_after_s` seconds.
    """

    def __init__(
        self,
        engine: Engine,
        hinter: Hinter,
        *,
        retry_every_s: float = _RETRY_EVERY_S,
        give_up_after_s: float = _GIVE_UP_AFTER_S,
    ) -> None:
        self._retry_every_s = retry_every_s
        self._give_up_after_s = give_up_after_s
        self._engine = engine
        self._hinter = hinter
        self._changed = threading.Condition()
        self._pending: deque[tuple[Move, Then]] = deque()
        self._is_idle = False
        self._closing = threading.Event()
        self._is_cut_off = False
        self.after_group: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def record(self, move: Move, then: Then = _ignore) -> None:
        """Record a move soon and pass its result to `then` on the recorder's own thread, where it must be quick."""
        self.record_all([(move, then)])

    def record_all(self, moves: Sequence[tuple[Move, Then]]) -> None:
        """Record moves as `record` does, in one group if they are few enough."""
        if len(self._pending) >= _PENDING_MAX:
            with self._changed:
                self._changed.wait_for(lambda: len(self._pending) < _PENDING_MAX)
        # Without the lock, for which the threads of all steps would queue: a deque is extended atomically. The recorder
        # sets its flag before it checks for moves, so it either finds these or is notified of them.
        self._pending.extend(moves)
        if self._is_idle:
            with self._changed:
                self._changed.notify_all()

    def record_now(self, move: Move) -> Moved | None:
        """Record a move and return its result after the commit, or None if the lease was lost.

        Raises the database's error if it refuses the move, and DatabaseUnreachable if it stays away.
        """
        # A queue of the interpreter's own: a future's lock and condition cost more than the row that is written.
        results: SimpleQueue[tuple[Moved | None, Exception | None]] = SimpleQueue()
        self.record(move, lambda moved, error: results.put((moved, error)))
        moved, error = results.get()
        if error is not None:
            raise error
        return moved

    def close(self) -> None:
        """Write the pending moves, then stop. Nothing may be recorded afterwards."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        gather_for_s = 0.0
        while True:
            if gather_for_s:
                self._closing.wait(gather_for_s)
            group = self._next_group()
            began = time.monotonic()
            if group:
                self._write(group)
            elif self._closing.is_set():
                return
            gather_for_s = min(time.monotonic() - began, _GATHER_MAX_S) if len(group) >= _BUSY_FROM else 0.0

    def _next_group(self) -> list[tuple[Move, Then]]:
        """Wait for moves and take them; return an empty list if the recorder closes and none are left."""
        with self._changed:
            self._is_idle = True
            self._changed.wait_for(lambda: self._pending or self._closing.is_set())
            self._is_idle = False
            group = [self._pending.popleft() for _ in range(min(len(self._pending), _GROUP_MAX))]
            self._changed.notify_all()
            return group

    def _write(self, group: Sequence[tuple[Move, Then]]) -> None:
        """Write a group; if the database refuses it, write each move alone so that only the bad one fails."""
        try:
            recorded = self._commit([move for move, _ in group])
        except DatabaseUnreachable as error:
            self._fail(group, error)
        except Exception as error:  # noqa: BLE001 - no error of one move may end this thread
            if len(group) == 1:
                self._fail(group, error)
            else:
                for alone in group:
                    self._write([alone])
        else:
            for (_, then), moved in zip(group, recorded.results, strict=True):
                _notify(then, moved)
            self.after_group()

    def _fail(self, group: Sequence[tuple[Move, Then]], error: Exception) -> None:
        """Give up on moves. Their leases end and their steps are repeated; the claims count those that always fail."""
        for move, then in group:
            job_id = encode_id(IdKind.JOB, move.claim.job_id)
            log.error("a move was not recorded", job_id=job_id, job_event=move.decision.event, reason=str(error))
            _notify(then, None, error)
        self.after_group()

    def _commit(self, moves: Sequence[Move]) -> Recorded:
        """Commit a group, again after a lost connection: the lease makes repeating it harmless."""
        recorded = self._tried(moves)
        give_up_at = time.monotonic() + self._wait_for_database_s()
        while recorded is None:
            if time.monotonic() > give_up_at:
                self._is_cut_off = True
                raise DatabaseUnreachable("the database stayed out of reach")
            time.sleep(self._retry_every_s)
            recorded = self._tried(moves)
        self._is_cut_off = False
        self._hinter.hint(_steps_due(recorded), recorded.job_ids)
        return recorded

    def _tried(self, moves: Sequence[Move]) -> Recorded | None:
        """Commit a group, or return None if trying again may help."""
        try:
            with self._engine.begin() as conn:
                return record(conn, moves)
        except SQLAlchemyError as error:
            if not is_transient(error):
                raise
            log.warning("recording is waiting for the database", reason=type(error).__name__)
            return None

    def _wait_for_database_s(self) -> float:
        """Return the longest wait for the database: a process that stops waits once, not once per group."""
        return 0.0 if self._closing.is_set() and self._is_cut_off else self._give_up_after_s


def _notify(then: Then, moved: Moved | None, error: Exception | None = None) -> None:
    """Call `then` with the result of a move. An error in it must not end the recorder's thread."""
    try:
        then(moved, error)
    except Exception:
        log.exception("what follows a recorded move failed")


def _steps_due(recorded: Recorded) -> set[Step]:
    """Return the steps that have jobs to claim at once, because of the moves or of their relatives."""
    made = zip(recorded.moves, recorded.results, strict=True)
    due = {STEP_OF[move.decision.to_state] for move, moved in made if _is_due(move, moved)}
    due |= {STEP_OF[state] for state in recorded.due_states}
    return due | ({Step.SUBMIT, Step.COMPENSATE} if recorded.relatives else set())


def _is_due(move: Move, moved: Moved | None) -> bool:
    """Return True if the move leaves a job that can be claimed at once."""
    return moved is not None and not moved.is_leased and move.decision.is_due_now
