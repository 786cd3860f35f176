"""Canceling a job: it wins over whatever a worker is doing, except that a submission's outcome is awaited first."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.jobs import Job, job_by_id
from db.moves import cancel, fail_descendants
from jobs.errors import AlreadyFinished, NotFound
from jobs.identity import Principal


@dataclass(frozen=True, slots=True)
class Canceled:
    """The job as it is after the cancel, and the jobs that waited for it and end with it."""

    job: Job
    descendants: frozenset[UUID]


def cancel_job(conn: Connection, caller: Principal, job_id: UUID) -> Canceled:
    """Cancel a job and everything that waits for it.

    Raises NotFound, or AlreadyFinished for a job that has ended or is ending. Canceling twice is such a case.
    """
    job = job_by_id(conn, caller.scope, job_id)
    if job is None:
        raise NotFound("There is no such job.", "input", "jobId")
    if not cancel(conn, job_id, caller.actor):
        raise AlreadyFinished(f"The job is {job.state} and can no longer be canceled.", "input", "jobId")
    descendants = frozenset(fail_descendants(conn, [job_id]))
    return Canceled(job_by_id(conn, caller.scope, job_id) or job, descendants)
