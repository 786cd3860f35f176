"""Compensating actions are rows: planned by Postgres, carried out by workers, reviewed by support."""

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
    """An action that a worker must carry out, and the submission that it undoes.

    `keep_key` is the one object that stays; `ended` says whether the prediction has ended. The fields of the submission
    are None if there was none.
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
    """One action as support reads it. `state` is pending, done, needs_review (with `last_error`) or waived."""

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
        return cls(**{field.name: row._mapping[field.name] for field in fields(cls)})


def pending_actions(conn: Connection, job_id: UUID) -> list[PendingAction]:
    """Return the actions of a job that a worker must still carry out."""
    return [PendingAction(**row._mapping) for row in conn.execute(statement("pending_actions"), {"job": job_id})]


def lock_undoing(conn: Connection, claim: Claim) -> bool:
    """Lock a job in `compensating` until the transaction ends; return False if the claim was lost."""
    locked = conn.execute(statement("lock_undoing"), {"id": claim.job_id, "lease": claim.lease})
    return locked.one_or_none() is not None


def settle_actions(conn: Connection, ended: Sequence[UUID], *, rolled_back: Collection[UUID]) -> None:
    """Mark returned credits and roll-backs as done: the transaction in which jobs end carries them out itself."""
    conn.execute(statement("settle_actions"), {"jobs": list(ended), "rolled_back": list(rolled_back)})


@dataclass(frozen=True, slots=True)
class ActionFilter:
    """A filter of actions; None and empty fields do not filter."""

    states: Collection[str] = ()
    actions: Collection[str] = ()
    job_id: UUID | None = None


def action_page(conn: Connection, wanted: ActionFilter, window: Window) -> Page[CompensationAction]:
    """Return one page of all actions for support, newest jobs first; the key is (job_id, cycle, action)."""
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
    """Waive an action that needs review, or make it pending again; None if there is no such action."""
    a = compensation_actions.c
    row = conn.execute(
        update(compensation_actions)
        .where(tuple_(a.job_id, a.cycle, a.action) == tuple_(job_id, cycle, action), a.state == "needs_review")
        .values(state=to_state, tries=0, reviewed_by=reviewer, review_note=note, changed_at=func.diorama_now())
        .returning(compensation_actions)
    ).one_or_none()
    return None if row is None else CompensationAction.from_row(row)
