"""Retries and redrives under an idempotency key: the second request with a key revives nothing."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.records.audit import add_audit_entry
from db.records.jobs import Job, JobFilter, job_by_id
from db.records.ledger import WalletKey
from db.records.requests import IdempotencyKey
from db.scope import Scope
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.errors import NotFound
from jobs.identity import Principal
from jobs.requesting.idempotency import once
from jobs.support.redriving import Redriven, redrive_jobs, retry_job
from statemachine.vocabulary import AuditAction


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


@dataclass(frozen=True, slots=True)
class RedriveRequest:
    """The jobs to redrive, of everything or of one account, and how; once for a key."""

    idempotency_key: str
    wanted: JobFilter
    scope: Scope
    per_minute: int
    at_most: int
    reason: str | None


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


def redrive_jobs_once(
    conn: Connection, caller: Principal, request: RedriveRequest, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> tuple[Redriven, bool]:
    """Redrive jobs as `redrive_jobs` does; return also whether they were before, and then none is revived again.

    Raises what that raises, and IdempotencyKeyReused.
    """
    redriven: list[Redriven] = []
    key = IdempotencyKey(caller.account_id, caller.user_ref, "redriveJobs", request.idempotency_key)
    made = once(conn, key, request, lambda _: redriven.append(_redrive(conn, caller, request, catalogue)))
    return (Redriven(frozenset(), {}) if made.replayed else redriven[0]), made.replayed


def _redrive(conn: Connection, caller: Principal, request: RedriveRequest, catalogue: Catalogue) -> Redriven:
    who = None if request.scope.account_id is None else WalletKey(request.scope.account_id)
    add_audit_entry(conn, caller.actor, AuditAction.REDRIVE_JOBS, who, reason=request.reason)
    return redrive_jobs(
        conn,
        caller,
        request.wanted,
        scope=request.scope,
        per_minute=request.per_minute,
        at_most=request.at_most,
        reason=request.reason,
        catalogue=catalogue,
    )
