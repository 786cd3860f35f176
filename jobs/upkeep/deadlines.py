"""End jobs at their deadlines even while they cannot be claimed for their step.

While submissions are stopped or an account is at its limit, queued jobs are not claimed; while a step is paused, none
of its jobs are. This periodic task checks the deadlines of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from threading import Semaphore

from sqlalchemy import Engine

from db.engine.claims import ClaimedJob, claim_overdue
from db.engine.recording import Move, Moved
from jobs.engine.move_log import log_move
from jobs.engine.recorder import Recorder
from statemachine.backoff import JobPolicy
from statemachine.decisions import interrupt

_WORKER = "overdue"
_BATCH = 100
_LEASE_FOR = timedelta(seconds=60)


def end_overdue(engine: Engine, recorder: Recorder, policy: JobPolicy, lease_for: timedelta = _LEASE_FOR) -> int:
    """Compensate every queued or paused job that is past its deadline, and return how many there were."""
    ended = 0
    while jobs := _claimed(engine, policy, lease_for):
        _end(jobs, recorder, policy)
        ended += len(jobs)
    return ended


def _end(jobs: Sequence[ClaimedJob], recorder: Recorder, policy: JobPolicy) -> None:
    """Record the ends of jobs and wait for the commits: claiming is much faster than recording."""
    recorded = Semaphore(0)
    moves = [(job, _ending(job, policy)) for job in jobs]
    recorder.record_all([(move, partial(_ended, job, move, recorded)) for job, move in moves])
    for _ in jobs:
        recorded.acquire()


def _ended(job: ClaimedJob, move: Move, recorded: Semaphore, moved: Moved | None, error: Exception | None) -> None:
    recorded.release()
    if error is None:
        log_move(job, move, moved)


def _ending(job: ClaimedJob, policy: JobPolicy) -> Move:
    decision = interrupt(job.facts, job.claimed_at, policy)
    assert decision is not None, "a job past its deadline must be interrupted"
    return Move(job.claim, job.state, decision)


def _claimed(engine: Engine, policy: JobPolicy, lease_for: timedelta) -> list[ClaimedJob]:
    with engine.begin() as conn:
        limits = policy.deadlines.of_states
        return claim_overdue(conn, worker=_WORKER, limit=_BATCH, lease_for=lease_for, limits=limits)
