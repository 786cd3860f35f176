"""Deletions: what was requested to be deleted, and whether anything of it is left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from db.scope import Scope
from db.tables import deletions
from statemachine.vocabulary import DeletionSubject


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion of an asset, a story or a user.

    `subject_id` is None for a user, whom `pseudonym` names. `objects` counts those deleted so far; `completed_at` is
    None while something is left.
    """

    id: UUID
    account_id: UUID
    session_id: UUID | None
    subject: DeletionSubject
    subject_id: UUID | None
    pseudonym: str | None
    actor: str
    requested_at: datetime
    objects: int
    completed_at: datetime | None

    @classmethod
    def from_row(cls, row: Any) -> Deletion:
        """Return the deletion of a row of the table."""
        values = dict(row._mapping)
        return cls(**{**values, "subject": DeletionSubject(values["subject"])})


def insert_deletion(conn: Connection, **values: Any) -> Deletion:
    """Add a deletion, given its columns."""
    return Deletion.from_row(conn.execute(insert(deletions).values(**values).returning(*deletions.c)).one())


def deletion_of(conn: Connection, subject_id: UUID) -> Deletion | None:
    """Return the first deletion of an asset or a story."""
    query = select(deletions).where(deletions.c.subject_id == subject_id).order_by(deletions.c.id).limit(1)
    row = conn.execute(query).one_or_none()
    return None if row is None else Deletion.from_row(row)


def deletions_by_id(conn: Connection, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Deletion]:
    """Return those of the deletions that the scope may see."""
    rows = conn.execute(select(deletions).where(deletions.c.id.in_(ids), scope.allows(deletions)))
    return {row.id: Deletion.from_row(row) for row in rows}
