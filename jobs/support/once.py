"""Retries under an idempotency key: the second request with a key revives nothing."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.records.jobs import Job, job_by_id
from db.records.requests import IdempotencyKey
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.errors import NotFound
from jobs.identity import Principal
from jobs.requesting.idempotency import once
from jobs.support.redriving import retry_job


@dataclass(frozen=True, slots=True)
class RetryJobRequest:
    """A job to retry, once for a key."""

    idempotency_key: str
    job_id: UUID


@dataclass(frozen=True, slots=True)
class RetriedJob:
    """The job as it is now, and the jobs that were revived: none where it was retried before (`replayed`)."""

    job: Job
    revived: frozenset[UUID]
    replayed: bool


def retry_job_once(
    conn: Connection, caller: Principal, request: RetryJobRequest, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> RetriedJob:
    """Retry a job as `retry_job` does. Raises what that raises, and IdempotencyKeyReused."""
    revived: set[UUID] = set()
    key = IdempotencyKey(caller.account_id, caller.user_ref, "retryJob", request.idempotency_key)
    made = once(
        conn, key, request, lambda _: revived.update(retry_job(conn, caller, request.job_id, catalogue).revived)
    )
    job = job_by_id(conn, caller.scope, request.job_id)
    if job is None:
        raise NotFound("The job does not exist.", "input", "jobId")
    return RetriedJob(job, frozenset(revived), made.replayed)
