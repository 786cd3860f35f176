"""Pausing steps: support stops workers from beginning jobs of a step, and resumes them."""

from __future__ import annotations

from sqlalchemy import Connection

from db.engine.pausing import Pause, pause_step, resume_step
from db.records.audit import add_audit_entry
from jobs.errors import Forbidden
from jobs.identity import Principal
from statemachine.vocabulary import AuditAction, Step


def pause(conn: Connection, caller: Principal, step: Step, *, reason: str | None) -> Pause:
    """Pause a step. Work in progress continues, and so does the search for lost submissions, which spends nothing.

    Deadlines still apply: a periodic task ends overdue jobs. Raises Forbidden.
    """
    _check(caller)
    add_audit_entry(conn, caller.author, AuditAction.PAUSE_STEP, subject=step, reason=reason)
    return pause_step(conn, step, by=caller.actor, reason=reason)


def resume(conn: Connection, caller: Principal, step: Step) -> bool:
    """Resume a step; return False if it was not paused. Raises Forbidden."""
    _check(caller)
    was_paused = resume_step(conn, step)
    if was_paused:
        add_audit_entry(conn, caller.author, AuditAction.RESUME_STEP, subject=step)
    return was_paused


def _check(caller: Principal) -> None:
    if not caller.is_support:
        raise Forbidden("Only support can pause and resume steps.")
