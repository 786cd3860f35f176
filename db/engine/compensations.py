"""What has to be undone of a job, a row an action: planned by Postgres, tried by workers, reviewed by support."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, tuple_, update

from db.engine.claims import Claim
from db.paging import Page, Window, fetch_page
from db.statements import statement
from db.tables import compensation_actions


@dataclass(frozen=True, slots=True)
class PendingAction:
    """Something a worker has to undo, and the submission it is of.

    `keep_key` is the one object that stays; `ended` whether the prediction has ended. What is known of the submission
    is None where there was none.
    """

    cycle: int
    attempt: int
    action: str
    keep_key: str | None
    tries: int
    ended: bool
    token: UUID | None
    model: str | None
    prediction_id: str | None
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class CompensationAction:
    """One action as support reads it. `state` is pending, done, held (for review, with `last_error`) or waived."""

    job_id: UUID
    cycle: int
    action: str
    state: str
    result: str | None
    tries: int
    last_error: str | None
    reviewed_by: str | None
    review_note: str | None
    created_at: datetime
    changed_at: datetime

    @classmethod
    def from_row(cls, row: Any) -> CompensationAction:
        """Return the action of a row of the table."""
        return cls(*(getattr(row, field.name) for field in fields(cls)))


def pending_actions(conn: Connection, job_id: UUID) -> list[PendingAction]:
    """Return what a worker still has to undo of a job."""
    return [PendingAction(*row) for row in conn.execute(statement("pending_actions"), {"job": job_id})]


def hold_undoing(conn: Connection, claim: Claim) -> bool:
    """Hold a job still until the transaction ends; False where it is no longer the claim's holder who undoes it."""
    held = conn.execute(statement("hold_undoing"), {"id": claim.job_id, "lease": claim.lease})
    return held.one_or_none() is not None


def settle_actions(conn: Connection, ended: Sequence[UUID], *, rolled_back: Collection[UUID]) -> None:
    """Mark the actions as done that the transaction in which jobs end carries out: returned credits, roll-backs."""
    conn.execute(statement("settle_actions"), {"jobs": list(ended), "rolled_back": list(rolled_back)})


@dataclass(frozen=True, slots=True)
class ActionFilter:
    """Which actions are listed; what is None or empty does not filter."""

    states: Collection[str] = ()
    actions: Collection[str] = ()
    job_id: UUID | None = None


def action_page(conn: Connection, wanted: ActionFilter, window: Window) -> Page[CompensationAction]:
    """Return one page of all actions, the newest jobs' first; the key is (job_id, cycle, action). For support."""
    a = compensation_actions.c
    query = select(compensation_actions)
    query = query.where(a.state.in_(wanted.states)) if wanted.states else query
    query = query.where(a.action.in_(wanted.actions)) if wanted.actions else query
    query = query if wanted.job_id is None else query.where(a.job_id == wanted.job_id)
    key = (a.job_id, a.cycle, a.action)
    return fetch_page(conn, query, key, window, CompensationAction.from_row, descending=True)


def review_action(
    conn: Connection, job_id: UUID, cycle: int, action: str, *, to_state: str, reviewer: str, note: str | None
) -> CompensationAction | None:
    """Waive a held action, or make it pending again; None where there is no such action that is held."""
    a = compensation_actions.c
    row = conn.execute(
        update(compensation_actions)
        .where(tuple_(a.job_id, a.cycle, a.action) == tuple_(job_id, cycle, action), a.state == "held")
        .values(state=to_state, tries=0, reviewed_by=reviewer, review_note=note, changed_at=func.diorama_now())
        .returning(compensation_actions)
    ).one_or_none()
    return None if row is None else CompensationAction.from_row(row)
