"""The audit: what members of support changed, and why. Entries never change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from db.ids import new_id
from db.paging import Page, Window, fetch_page
from db.records.ledger import WalletKey
from db.support_tables import audit_entries
from statemachine.vocabulary import AuditAction, Role


@dataclass(frozen=True, slots=True)
class Author:
    """A member of support who changes something: the name in histories, and the role of the key."""

    actor: str
    role: Role


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change by support. `subject` is the id of a job, an asset or a key, the name of a step, or a limit."""

    id: UUID
    at: datetime
    actor: str
    role: Role
    action: AuditAction
    account_id: UUID | None
    user_ref: str | None
    subject: str | None
    reason: str | None

    @classmethod
    def from_row(cls, row: Any) -> AuditEntry:
        """Return the entry of a row of the table."""
        values = dict(row._mapping)
        return cls(**{**values, "role": Role(values["role"]), "action": AuditAction(values["action"])})


def add_audit_entry(
    conn: Connection,
    author: Author,
    action: AuditAction,
    who: WalletKey | None = None,
    *,
    subject: str | None = None,
    reason: str | None = None,
) -> None:
    """Note a change by support in its transaction: whom it concerns, what it was done to, and why."""
    of = {"account_id": who and who.account_id, "user_ref": (who and who.user_ref) or None}
    values = {**of, "subject": subject, "reason": reason}
    conn.execute(
        insert(audit_entries).values(id=new_id(), actor=author.actor, role=author.role, action=action, **values)
    )


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """A filter of entries; a field that is None or empty does not filter."""

    actions: Collection[str] = ()
    account_id: UUID | None = None
    user_ref: str | None = None


def audit_page(conn: Connection, wanted: AuditFilter, window: Window) -> Page[AuditEntry]:
    """Return one page of the entries, newest first; the key is (id,)."""
    a = audit_entries.c
    query = select(audit_entries)
    query = query.where(a.action.in_(wanted.actions)) if wanted.actions else query
    query = query if wanted.account_id is None else query.where(a.account_id == wanted.account_id)
    query = query if wanted.user_ref is None else query.where(a.user_ref == wanted.user_ref)
    return fetch_page(conn, query, (a.id,), window, AuditEntry.from_row, descending=True)
