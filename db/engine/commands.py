"""Commands by people that move jobs: cancel them, redrive them, undo them again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import Connection

from db.engine.locking import lock_job, lock_jobs
from db.engine.moves import LockedMove, moved_ids
from db.engine.relatives import moves_below
from statemachine import commands
from statemachine.decisions import Decision, Standing
from statemachine.relatives import Moved
from statemachine.vocabulary import State


def cancel(conn: Connection, job_id: UUID, actor: str) -> frozenset[UUID]:
    """Cancel a job and the jobs that wait for it; return their ids, or none if the job has ended or is ending.

    During a submission the cancel is only noted; the move that records the provider's response executes it.
    """
    return cancel_all(conn, [job_id], actor)


def cancel_all(conn: Connection, job_ids: Collection[UUID], actor: str) -> frozenset[UUID]:
    """Cancel those of the jobs that have not ended, as `cancel` does; return the ids of all that end with it.

    Jobs that wait for these and are not among them must be younger than all of these, as they are if these were
    requested together: they are locked later.
    """
    jobs = {job_id: job for job_id, job in lock_jobs(conn, job_ids).items() if commands.can_be_canceled(job)}
    decisions = {job_id: commands.cancel(job) for job_id, job in jobs.items()}
    below = moves_below(conn, {job_id: _canceled(job, decisions[job_id]) for job_id, job in jobs.items()})
    follow = {move.job_id for move in below}
    moves = [
        _cancel_of(job_id, jobs[job_id].state, decision, actor)
        for job_id, decision in decisions.items()
        if decision is not None and job_id not in follow
    ]
    return frozenset(jobs) | moved_ids(conn, [*moves, *below])


def _canceled(job: Standing, decision: Decision | None) -> Moved:
    return Moved(decision.to_state if decision else job.state, is_canceled=True)


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
