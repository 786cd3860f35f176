"""Canceling a job: it wins over any retry and is visible at once."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.engine.commands import cancel
from db.records.jobs import Job, job_by_id
from jobs.errors import AlreadyFinished, NotFound
from jobs.identity import Principal


@dataclass(frozen=True, slots=True)
class Canceled:
    """The job after the cancel, and the jobs that waited for it and end with it."""

    job: Job
    descendants: frozenset[UUID]


def cancel_job(conn: Connection, caller: Principal, job_id: UUID) -> Canceled:
    """Cancel a job and everything that waits for it.

    A job whose submission is under way stays in its state: `cancel_requested_at` and the event `cancel_requested` show
    the wish, and as soon as the outcome is known `cancel_executed` has it undone. Until then another cancel changes
    nothing.

    Raises NotFound, or AlreadyFinished for a job that has ended or is ending, as one does that was canceled before.
    """
    job = job_by_id(conn, caller.scope, job_id)
    if job is None:
        raise NotFound("The job does not exist.", "input", "jobId")
    canceled = cancel(conn, job_id, caller.actor)
    if not canceled:
        raise AlreadyFinished(f"The job is {job.state} and can no longer be canceled.", "input", "jobId")
    return Canceled(job_by_id(conn, caller.scope, job_id) or job, canceled - {job_id})
