"""Pausing steps: support stops workers from beginning jobs of a step, and resumes them."""

from __future__ import annotations

from sqlalchemy import Connection

from db.engine.pausing import Pause, pause_step, resume_step
from jobs.errors import Forbidden
from jobs.identity import Principal
from statemachine.vocabulary import Step


def pause(conn: Connection, caller: Principal, step: Step, *, reason: str | None) -> Pause:
    """Pause a step. Work in progress continues, and so does the search for lost submissions, which spends nothing.

    Deadlines still apply: a periodic task ends overdue jobs. Raises Forbidden.
    """
    _check(caller)
    return pause_step(conn, step, by=caller.actor, reason=reason)


def resume(conn: Connection, caller: Principal, step: Step) -> bool:
    """Resume a step; return False if it was not paused. Raises Forbidden."""
    _check(caller)
    return resume_step(conn, step)


def _check(caller: Principal) -> None:
    if not caller.is_support:
        raise Forbidden("Only support can pause and resume steps.")
