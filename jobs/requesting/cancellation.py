"""Canceling a job: it wins over any retry and is visible at once."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.engine.commands import cancel, cancel_all
from db.records.jobs import Job, job_by_id, jobs_of_batches, jobs_of_stories
from jobs.errors import AlreadyFinished, NotFound
from jobs.identity import Principal


@dataclass(frozen=True, slots=True)
class Canceled:
    """The job after the cancel, and the jobs that waited for it and end with it."""

    job: Job
    descendants: frozenset[UUID]


def cancel_job(conn: Connection, caller: Principal, job_id: UUID) -> Canceled:
    """Cancel a job and all jobs that wait for it.

    During a submission the job keeps its state: `cancel_requested_at` and the event `cancel_requested` note the cancel,
    and `cancel_executed` undoes the job as soon as the outcome is known. Until then another cancel changes nothing.

    Raises NotFound, or AlreadyFinished for a job that has ended or is ending.
    """
    job = job_by_id(conn, caller.scope, job_id)
    if job is None:
        raise NotFound("The job does not exist.", "input", "jobId")
    canceled = cancel(conn, job_id, caller.actor)
    if not canceled:
        raise AlreadyFinished(f"The job is {job.state} and can no longer be canceled.", "input", "jobId")
    return Canceled(job_by_id(conn, caller.scope, job_id) or job, canceled - {job_id})


def cancel_story(conn: Connection, caller: Principal, story_id: UUID) -> frozenset[UUID]:
    """Cancel the jobs of a story that have not ended, as `cancel_job` does, and return their ids.

    What it has already made stays. Raises NotFound, or AlreadyFinished if none of its jobs can be canceled any more.
    """
    jobs = jobs_of_stories(conn, caller.scope, [story_id])[story_id]
    if not jobs:
        raise NotFound("The story does not exist.", "input", "storyId")
    canceled = cancel_all(conn, [job.id for job in jobs], caller.actor)
    if not canceled:
        raise AlreadyFinished("The story has ended or is ending, and can no longer be canceled.", "input", "storyId")
    return canceled


def cancel_batch(conn: Connection, caller: Principal, batch_id: UUID) -> frozenset[UUID]:
    """Cancel the jobs of a batch that have not ended, as `cancel_job` does, and return their ids.

    What it has already made stays. Raises NotFound, or AlreadyFinished if none of its jobs can be canceled any more.
    """
    jobs = jobs_of_batches(conn, caller.scope, [batch_id]).get(batch_id)
    if not jobs:
        raise NotFound("The batch does not exist.", "input", "batchId")
    canceled = cancel_all(conn, [job.id for job in jobs], caller.actor)
    if not canceled:
        raise AlreadyFinished("The batch has ended or is ending, and can no longer be canceled.", "input", "batchId")
    return canceled
