"""Row visibility: the predicate that every read of an owned table carries."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Table, select, true

from db.tables import sessions


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows a caller may read: all (support), one account's, or those of one of its end users."""

    account_id: UUID | None
    user_ref: str | None = None

    def allows(self, table: Table) -> ColumnElement[bool]:
        """Return the SQL condition that keeps `table` (with `account_id` and `session_id`) within this scope."""
        if self.account_id is None:
            return true()
        within: ColumnElement[bool] = table.c.account_id == self.account_id
        if self.user_ref is None:
            return within
        own = select(sessions.c.id).where(
            sessions.c.account_id == self.account_id, sessions.c.user_ref == self.user_ref
        )
        return within & table.c.session_id.in_(own)


EVERYTHING = Scope(None)
