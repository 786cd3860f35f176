"""Recording in groups: the moves of all of a process's threads, some at a time, in one transaction.

A commit costs the same for one move and for fifty, so whatever gathered while the last group was being written goes
into the next. Nothing waits for a group to fill, save for a moment where many moves come at once. A process that dies
loses the moves it had gathered, like any other work in hand: their leases end and the steps are repeated.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.recording import Move, Moved, Recorded, record
from db.public_ids import IdKind, encode_id
from db.transient import is_transient
from jobs.engine.hints import Hinter
from statemachine.vocabulary import STEP_OF, Step

log = structlog.get_logger(__name__)

_GROUP_MAX = 200
# After a group of this many, the next one gathers for a moment: what the last one set going ends up in it, too.
_BUSY_FROM = 16
_GATHER_FOR_S = 0.003
# Beyond this many moves in hand whoever records waits, so that a stalled database slows the steps down.
_PENDING_MAX = 1000
_RETRY_EVERY_S = 0.2
_PATIENCE_S = 30.0


# Told what came of a move: it was recorded, or dropped because the job was no longer held, or refused with an error.
Then = Callable[[Moved | None, Exception | None], None]


def _nobody_waits(moved: Moved | None, error: Exception | None) -> None:
    """Most moves tell the whole story by themselves."""


class OutOfReach(Exception):
    """The database did not answer for as long as a move can wait."""


class Recorder:
    """Writes moves from a thread of its own. `record_now` waits for the commit, `record` does not.

    `after_group` is called once everybody has been told what came of the moves of a group.
    """

    def __init__(self, engine: Engine, hinter: Hinter) -> None:
        self._engine = engine
        self._hinter = hinter
        self._changed = threading.Condition()
        self._pending: list[tuple[Move, Then]] = []
        self._closing = threading.Event()
        self._is_cut_off = False
        self.after_group: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def record(self, move: Move, then: Then = _nobody_waits) -> None:
        """Record a move soon, and tell `then` what came of it, on the recorder's own thread: it must be quick."""
        with self._changed:
            while len(self._pending) >= _PENDING_MAX:
                self._changed.wait()
            self._pending.append((move, then))
            self._changed.notify_all()

    def record_now(self, move: Move) -> Moved | None:
        """Record a move and return what the commit made of it, or None when the job was no longer held.

        Raises what the database raised when it refused the move, and OutOfReach where it does not answer.
        """
        told: Future[Moved | None] = Future()
        self.record(move, lambda moved, error: told.set_exception(error) if error else told.set_result(moved))
        return told.result()

    def close(self) -> None:
        """Write what was gathered, then stop. Nothing may be recorded afterwards."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        written = 0
        while True:
            if written >= _BUSY_FROM:
                self._closing.wait(_GATHER_FOR_S)
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closing.is_set())
                group, self._pending = self._pending[:_GROUP_MAX], self._pending[_GROUP_MAX:]
                self._changed.notify_all()
            if group:
                self._write(group)
            elif self._closing.is_set():
                return
            written = len(group)

    def _write(self, group: Sequence[tuple[Move, Then]]) -> None:
        """Write a group; where the database refuses it, write each move alone so that only the bad one fails."""
        try:
            recorded = self._commit([move for move, _ in group])
        except OutOfReach as error:
            self._fail(group, error)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one move must not end this thread
            if len(group) == 1:
                self._fail(group, error)
            else:
                for alone in group:
                    self._write([alone])
        else:
            for (_, then), moved in zip(group, recorded.results, strict=True):
                _tell(then, moved)
            self.after_group()

    def _fail(self, group: Sequence[tuple[Move, Then]], error: Exception) -> None:
        """Give moves up. Their leases will end, and their steps be repeated; what always fails is counted there."""
        for move, then in group:
            job_id = encode_id(IdKind.JOB, move.claim.job_id)
            log.error("a move was not recorded", job_id=job_id, job_event=move.decision.event, reason=str(error))
            _tell(then, None, error)
        self.after_group()

    def _commit(self, moves: Sequence[Move]) -> Recorded:
        """Commit a group, again after a lost connection: the guard makes repeating it harmless."""
        recorded = self._tried(moves)
        give_up_at = time.monotonic() + self._patience_s()
        while recorded is None:
            if time.monotonic() > give_up_at:
                self._is_cut_off = True
                raise OutOfReach("the database stayed out of reach")
            time.sleep(_RETRY_EVERY_S)
            recorded = self._tried(moves)
        self._is_cut_off = False
        self._hinter.hint(_steps_due(recorded), recorded.job_ids)
        return recorded

    def _tried(self, moves: Sequence[Move]) -> Recorded | None:
        """Commit a group, or return None where the same again may work."""
        try:
            with self._engine.begin() as conn:
                return record(conn, moves)
        except SQLAlchemyError as error:
            if not is_transient(error):
                raise
            log.warning("recording is waiting for the database", reason=type(error).__name__)
            return None

    def _patience_s(self) -> float:
        """How long to wait for the database: a process that stops waits once, not once a group."""
        return 0.0 if self._closing.is_set() and self._is_cut_off else _PATIENCE_S


def _tell(then: Then, moved: Moved | None, error: Exception | None = None) -> None:
    """Tell what came of a move. Whatever goes wrong there must not end the recorder's thread."""
    try:
        then(moved, error)
    except Exception:
        log.exception("what follows a recorded move failed")


def _steps_due(recorded: Recorded) -> set[Step]:
    """Return the steps that have something to claim at once: those of the moves, and those of who moved along."""
    made = zip(recorded.moves, recorded.results, strict=True)
    due = {STEP_OF[move.decision.to_state] for move, moved in made if _is_due(move, moved)}
    due |= {STEP_OF[state] for state in recorded.told}
    return due | ({Step.SUBMIT, Step.COMPENSATE} if recorded.relatives else set())


def _is_due(move: Move, moved: Moved | None) -> bool:
    """Whether a move leaves something to be claimed at once."""
    return moved is not None and not moved.held and move.decision.is_due_now
