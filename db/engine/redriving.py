"""Beginning another cycle of jobs that have ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from db.records.ledger import WalletKey
from db.statements import statement
from statemachine.vocabulary import Kind, State


@dataclass(frozen=True, slots=True)
class Relative:
    """A job that may be redriven, something it was made from, or (`is_below`) something that failed because of it.

    `resume_at` is the first state whose result is missing; `has_input` whether what it is made from is still kept.
    """

    id: UUID
    kind: Kind
    parent_id: UUID | None
    state: State
    priority: int
    credits: int
    wallet: WalletKey
    is_below: bool
    resume_at: State
    has_input: bool


@dataclass(frozen=True, slots=True)
class Revival:
    """That a job begins again in `to_state`, due in `due_in`."""

    job_id: UUID
    to_state: State
    due_in: timedelta


def lock_family(conn: Connection, job_id: UUID) -> dict[UUID, Relative]:
    """Return a job with its relatives, all locked until the transaction ends; empty where there is no such job."""
    # Twice: where the first has to wait for a lock, it sees the jobs as they are then, and their attempts as before.
    conn.execute(statement("family"), {"job": job_id})
    return {
        row.id: Relative(
            id=row.id,
            kind=Kind(row.kind),
            parent_id=row.parent_id,
            state=State(row.state),
            priority=row.priority,
            credits=row.credits,
            wallet=WalletKey(row.account_id, row.user_ref),
            is_below=row.is_below,
            resume_at=State(row.resume_at),
            has_input=row.has_input,
        )
        for row in conn.execute(statement("family"), {"job": job_id})
    }


def revive(
    conn: Connection, revivals: Sequence[Revival], *, deadline: timedelta, actor: str, reason: str | None
) -> set[UUID]:
    """Begin another cycle of each job that has ended, to be given up after `deadline`; return the ids of those."""
    given = {
        "ids": [each.job_id for each in revivals],
        "to_states": [each.to_state for each in revivals],
        "due_ins": [each.due_in for each in revivals],
        "deadline": deadline,
        "actor": actor,
        "reason": reason,
    }
    return {row.id for row in conn.execute(statement("redrive"), given)}
