"""Suspensions of accounts and of their end users. An account itself has the empty `user_ref`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, exists, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from db.records.ledger import WalletKey
from db.statements import statement
from db.support_tables import suspensions
from db.tables import accounts, sessions, wallets


@dataclass(frozen=True, slots=True)
class Suspension:
    """The suspension of an account, or of one of its end users."""

    account_id: UUID
    user_ref: str
    suspended_at: datetime
    suspended_by: str
    reason: str


def is_suspended(account_id: ColumnElement[UUID], user_ref: ColumnElement[str] | None = None) -> ColumnElement[bool]:
    """Return the SQL condition that the account in a column is suspended, or the end user of it in another column."""
    of = [""] if user_ref is None else ["", user_ref]
    s = suspensions.c
    itself = exists().where(s.account_id == account_id, s.user_ref.in_(of))
    # An account's suspension is that of its test account, too.
    own = accounts.alias()
    return or_(itself, exists().where(own.c.id == account_id, s.account_id == own.c.live_id, s.user_ref == ""))


def suspend(conn: Connection, who: WalletKey, *, by: str, reason: str) -> Suspension:
    """Suspend an account or an end user; a suspension that exists keeps its time and gets the new author and reason."""
    values = {"account_id": who.account_id, "user_ref": who.user_ref, "suspended_by": by, "reason": reason}
    query = insert(suspensions).values(values)
    again = query.on_conflict_do_update(
        constraint="suspensions_pkey", set_={"suspended_by": by, "reason": reason}
    ).returning(suspensions)
    return Suspension(**conn.execute(again).one()._mapping)


def resume(conn: Connection, who: WalletKey) -> bool:
    """End a suspension; return False if there is none."""
    s = suspensions.c
    ended = conn.execute(delete(suspensions).where(s.account_id == who.account_id, s.user_ref == who.user_ref))
    return ended.rowcount > 0


def suspensions_of(conn: Connection, keys: Collection[WalletKey]) -> dict[WalletKey, Suspension]:
    """Return the suspensions of these accounts and end users, where there are any."""
    s = suspensions.c
    named = [(key.account_id, key.user_ref) for key in keys]
    rows = conn.execute(select(suspensions).where(tuple_(s.account_id, s.user_ref).in_(named)))
    return {WalletKey(row.account_id, row.user_ref): Suspension(**row._mapping) for row in rows}


def user_is_known(conn: Connection, who: WalletKey) -> bool:
    """Return whether an end user ever had a session or credits."""
    of = [
        select(table.c.account_id).where(table.c.account_id == who.account_id, table.c.user_ref == who.user_ref)
        for table in (sessions, wallets)
    ]
    return any(conn.execute(query.limit(1)).first() is not None for query in of)


def running_jobs(conn: Connection, who: WalletKey, most: int) -> list[UUID]:
    """Return the oldest jobs that can be canceled: of an account and all its users, or of one end user."""
    given = {"account": who.account_id, "user": who.user_ref, "most": most}
    return list(conn.scalars(statement("running_jobs"), given))
