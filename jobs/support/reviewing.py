"""Reviewing what could not be undone: support tries it again, or waives it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from db.engine.commands import undo_again
from db.engine.compensations import ActionFilter, CompensationAction, action_page, review_action
from db.engine.locking import lock_job
from db.paging import PAGE_MAX, Window
from db.public_ids import IdKind, encode_id
from db.records.audit import add_audit_entry
from db.records.jobs import job_by_id
from db.records.ledger import WalletKey
from db.scope import EVERYTHING
from jobs.errors import AlreadyFinished, Forbidden, NotFound, NotReady, UseCaseError
from jobs.identity import Principal
from statemachine.vocabulary import AuditAction, State


def review_compensation(
    conn: Connection, caller: Principal, job_id: UUID, action: str, *, waive: bool, note: str | None
) -> CompensationAction:
    """Waive an action that needs review, or have the job compensate again for it; for support only.

    Raises Forbidden, NotFound where the job has no such action, AlreadyFinished where it needs none; and where the job
    was tried again since, NotReady while that goes on, AlreadyFinished once it has succeeded.
    """
    if not caller.is_support:
        raise Forbidden("Only support can review compensations.")
    lock_job(conn, job_id)
    found = action_page(conn, ActionFilter(actions=[action], job_id=job_id), Window(PAGE_MAX)).items
    if not found:
        raise NotFound("The job has no such compensating action.", "input", "action")
    action_to_review = next((each for each in found if each.state == "needs_review"), None)
    to_state = "waived" if waive else "pending"
    reviewed = action_to_review and review_action(
        conn, job_id, action_to_review.cycle, action, to_state=to_state, reviewer=caller.actor, note=note
    )
    if reviewed is None:
        raise AlreadyFinished(f"It is {found[0].state} and needs no review.", "input", "action")
    if not waive and not undo_again(conn, job_id, actor=caller.actor, reason=note):
        raise _not_now(conn, caller, job_id)
    subject = encode_id(IdKind.JOB, job_id)
    add_audit_entry(
        conn, caller.author, AuditAction.REVIEW_COMPENSATION, _owner(conn, job_id), subject=subject, reason=note
    )
    return reviewed


def _owner(conn: Connection, job_id: UUID) -> WalletKey | None:
    job = job_by_id(conn, EVERYTHING, job_id)
    return None if job is None else WalletKey(job.account_id)


def _not_now(conn: Connection, caller: Principal, job_id: UUID) -> UseCaseError:
    """Return why a job does not compensate again, and what there is to do instead."""
    job = job_by_id(conn, caller.scope, job_id)
    if job is not None and job.state is State.SUCCEEDED:
        return AlreadyFinished(
            "The job was tried again and has succeeded, so it is not undone any more. Waive this: what an earlier try "
            "left at the provider is stopped by the orphan search, and retention removes what it left in our storage.",
            "input",
            "jobId",
        )
    return NotReady("The job is at work again. Wait until it has ended, or waive this.", "input", "jobId")
