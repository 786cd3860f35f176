"""Refunding a job that succeeded: its charge goes back to the wallet that paid, once, and the job stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.engine.locking import lock_job
from db.public_ids import IdKind, encode_id
from db.records.audit import add_audit_entry
from db.records.jobs import Job, job_by_id
from db.records.ledger import WalletKey, credits_of_jobs, entries_made_by
from db.records.ledger import refund_job as refund_charges
from db.records.requests import IdempotencyKey
from jobs.errors import AlreadyFinished, Forbidden, NotFound, NotReady
from jobs.identity import Principal
from jobs.requesting.credits import check_explained
from jobs.requesting.idempotency import once
from statemachine.vocabulary import AuditAction


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A job to refund, and why; once for a key."""

    idempotency_key: str
    job_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """The refunded job and the credits that went back; `replayed` where they did before under the same key."""

    job: Job
    amount: int
    replayed: bool


def refund_job(conn: Connection, caller: Principal, request: RefundRequest) -> Refunded:
    """Refund what a job was charged and has not got back; for support only.

    Raises Forbidden, Invalid for a bad reason, NotFound, NotReady for a job that may still be charged, AlreadyFinished
    where nothing is charged (any more), IdempotencyKeyReused.
    """
    if not caller.is_support:
        raise Forbidden("Only support can refund jobs.")
    check_explained(request.reason)
    job = job_by_id(conn, caller.scope, request.job_id)
    if job is None:
        raise NotFound("The job does not exist.", "input", "jobId")
    key = IdempotencyKey(caller.account_id, "", "refundJob", request.idempotency_key)
    made = once(conn, key, request, lambda resource_id: _refund(conn, caller, request, resource_id))
    amount = sum(entry.amount for entry in entries_made_by(conn, made.resource_id))
    return Refunded(job, amount, made.replayed)


def _refund(conn: Connection, caller: Principal, request: RefundRequest, resource_id: UUID) -> None:
    # The job stays charged as it is: a roll-back, which refunds it too, waits for this transaction.
    lock_job(conn, request.job_id)
    amount = refund_charges(conn, request.job_id, actor=caller.actor, reason=request.reason, resource_id=resource_id)
    if amount == 0:
        raise _nothing_charged(conn, request.job_id)
    paid, subject = entries_made_by(conn, resource_id)[0], encode_id(IdKind.JOB, request.job_id)
    wallet = WalletKey(paid.account_id, paid.user_ref)
    add_audit_entry(conn, caller.author, AuditAction.REFUND_JOB, wallet, subject=subject, reason=request.reason)


def _nothing_charged(conn: Connection, job_id: UUID) -> NotReady | AlreadyFinished:
    credits = credits_of_jobs(conn, [job_id]).get(job_id)
    if credits is not None and credits.held:
        return NotReady("The job has not ended: its credits are held, and not yet charged.", "input", "jobId")
    if credits is not None and credits.refunded:
        return AlreadyFinished("All that the job was charged has been refunded.", "input", "jobId")
    return AlreadyFinished("The job was not charged: there is nothing to refund.", "input", "jobId")
