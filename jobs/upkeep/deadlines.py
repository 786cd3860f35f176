"""Overdue: jobs end at their deadlines although nobody may begin them.

While submissions are stopped or an account has no room, queued jobs are not claimed, and while a step is paused none of
its jobs is. So nobody would look at their deadlines. One process looks for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Semaphore

from db.engine.claims import ClaimedJob, claim_overdue
from db.engine.recording import Move, Moved
from jobs.engine.move_log import log_move
from jobs.steps.runtime import Runtime
from statemachine.decisions import interrupt

_WORKER = "overdue"
_BATCH = 100


def end_overdue(runtime: Runtime) -> int:
    """Have every queued or paused job that is past its deadline undone, and return how many there were."""
    ended = 0
    while jobs := _claimed(runtime):
        _end(jobs, runtime)
        ended += len(jobs)
    return ended


def _end(jobs: Sequence[ClaimedJob], runtime: Runtime) -> None:
    """Have jobs undone, and wait until that is written: claiming is much faster than recording."""
    told = Semaphore(0)
    for job in jobs:
        move = _ending(job, runtime)
        runtime.recorder.record(move, partial(_ended, job, move, told))
    for _ in jobs:
        told.acquire()


def _ended(job: ClaimedJob, move: Move, told: Semaphore, moved: Moved | None, error: Exception | None) -> None:
    told.release()
    if error is None:
        log_move(job, move, moved)


def _ending(job: ClaimedJob, runtime: Runtime) -> Move:
    decision = interrupt(job.facts, job.claimed_at, runtime.policy)
    assert decision is not None, "a job that is past its deadline goes no further"
    return Move(job.claim, job.state, decision)


def _claimed(runtime: Runtime) -> list[ClaimedJob]:
    with runtime.engine.begin() as conn:
        limits = runtime.policy.deadlines.of_steps
        return claim_overdue(conn, worker=_WORKER, limit=_BATCH, lease_for=runtime.leases.usual, limits=limits)
