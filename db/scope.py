"""Row visibility: the predicate that every read of an owned table carries."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Table, select, true

from db.tables import sessions


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows a caller may read: all (support), one account's, or those of one of its end users.

    `with_own` adds to those of an end user what belongs to the account itself, and so to no user.
    """

    account_id: UUID | None
    user_ref: str | None = None
    with_own: bool = False

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
        of_user = table.c.session_id.in_(own)
        return within & ((of_user | table.c.session_id.is_(None)) if self.with_own else of_user)


EVERYTHING = Scope(None)
