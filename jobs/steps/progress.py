"""Records the progress of a long step as the percent of its job, while the step goes on under its lease."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from db.engine.claims import ClaimedJob
from db.engine.moves import Move
from jobs.engine.leases import LeaseLost
from jobs.engine.move_log import log_move
from jobs.engine.recorder import DatabaseUnreachable, Recorder
from statemachine.decisions import move
from statemachine.steps import SERVED
from statemachine.vocabulary import Event

log = structlog.get_logger(__name__)

# Each record is an event of the job's history, and a message to everybody who is subscribed to it.
RECORD_EVERY_S: Final = 1.0


class Progress:
    """Turns the share of a step that is done into the percent of its job; one thread calls `report`.

    A move names the lease like any other, and `report` waits for it: two moves of a job are never recorded together.
    """

    def __init__(self, job: ClaimedJob, recorder: Recorder, *, every_s: float = RECORD_EVERY_S) -> None:
        self._job = job
        self._recorder = recorder
        self._every_s = every_s
        self._percent = max(job.percent, SERVED[job.state].percent[0])
        self._next_at = time.monotonic() + every_s

    def report(self, share: float) -> None:
        """Record the percent if it has grown and the last record is a while ago; raise LeaseLost if that is refused."""
        start, end = SERVED[self._job.state].percent
        # The end belongs to the move that ends the step.
        percent = min(start + int(share * (end - start)), end - 1)
        if percent <= self._percent or time.monotonic() < self._next_at:
            return
        self._percent, self._next_at = percent, time.monotonic() + self._every_s
        self._record(percent)

    def _record(self, percent: int) -> None:
        decision = replace(move(self._job.facts, Event.STILL_RUNNING, due_in=timedelta(0)), percent=percent)
        running = Move(self._job.claim, self._job.state, decision, keep_lease=True)
        try:
            moved = self._recorder.record_now(running)
        except DatabaseUnreachable as error:
            # It may be back when the step is done: what counts is recorded then.
            log.warning("progress was not recorded", reason=str(error))
            return
        log_move(self._job, running, moved)
        if moved is None:
            raise LeaseLost(f"the lease on job {self._job.id} was lost")
