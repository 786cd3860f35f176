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
    """Cancel a job with those that wait for it; return the ids of all, or none where it has ended or is ending.

    While its submission is under way the wish is noted, and the move that records the response carries it out.
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
    """Have an ended job compensate again; False where it has not ended as failed or canceled."""
    job = lock_job(conn, job_id)
    decision = None if job is None else commands.undo_again(job, reason)
    if job is None or decision is None:
        return False
    return bool(moved_ids(conn, [LockedMove(job_id, job.state, decision, actor)]))


def redrive(conn: Connection, moves: Iterable[LockedMove]) -> set[UUID]:
    """Begin another cycle of jobs whose families are locked; return their ids."""
    return moved_ids(conn, moves)
