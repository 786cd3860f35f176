"""Commands of people that move jobs: cancel them, redrive them, undo them again."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection

from db.engine.locking import lock_job
from db.engine.moves import LockedMove, moved_ids
from db.engine.relatives import moves_below
from statemachine import commands
from statemachine.decisions import Decision
from statemachine.relatives import Moved
from statemachine.vocabulary import State


def cancel(conn: Connection, job_id: UUID, actor: str) -> frozenset[UUID]:
    """Cancel a job and the jobs that wait for it; return their ids, or none if the job has ended or is ending.

    During a submission the cancel is only noted; the move that records the provider's response executes it.
    """
    job = lock_job(conn, job_id)
    if job is None or not commands.can_be_canceled(job):
        return frozenset()
    decision = commands.cancel(job)
    moves = [] if decision is None else [_cancel_of(job_id, job.state, decision, actor)]
    below = moves_below(conn, {job_id: Moved(decision.to_state if decision else job.state, is_canceled=True)})
    return frozenset({job_id, *moved_ids(conn, [*moves, *below])})


def _cancel_of(job_id: UUID, state: State, decision: Decision, actor: str) -> LockedMove:
    return LockedMove(job_id, state, decision, actor, canceled_by=actor, keep_lease=decision.to_state is state)


def undo_again(conn: Connection, job_id: UUID, *, actor: str, reason: str | None) -> bool:
    """Make a failed or canceled job compensate again; return False for any other job."""
    job = lock_job(conn, job_id)
    decision = None if job is None else commands.undo_again(job, reason)
    if job is None or decision is None:
        return False
    return bool(moved_ids(conn, [LockedMove(job_id, job.state, decision, actor)]))


def redrive(conn: Connection, moves: Iterable[LockedMove]) -> set[UUID]:
    """Begin another cycle of jobs whose families are locked; return their ids."""
    return moved_ids(conn, moves)
