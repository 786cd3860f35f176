"""Limits of an account's credits: its cap of a day, and the mark of a low balance. A day is one of UTC."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, DateTime, case, func, select, type_coerce
from sqlalchemy.dialects.postgresql import insert

from db.statements import statement
from db.tables import credit_limits as table

_RESETS_AT = type_coerce(func.timezone("UTC", func.today_utc() + 1), DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class CreditLimits:
    """The limits of an account; None for none.

    `used` counts toward the cap today, at first also what has been returned since; `resets_at` is the next midnight.
    """

    spend_cap: int | None
    used: int
    resets_at: datetime
    low_balance_mark: int | None


def limits_of(conn: Connection, account_ids: Collection[UUID]) -> dict[UUID, CreditLimits]:
    """Return the limits of those accounts that have any."""
    used = case((table.c.day >= func.today_utc(), table.c.used), else_=0)
    rows = conn.execute(
        select(table.c.account_id, table.c.spend_cap, used, _RESETS_AT, table.c.low_balance_mark).where(
            table.c.account_id.in_(account_ids)
        )
    )
    return {account_id: CreditLimits(*values) for account_id, *values in rows}


def set_spend_cap(conn: Connection, account_id: UUID, cap: int | None) -> None:
    """Set how many credits may be held on a day; None for any number. A first cap counts from now on."""
    _set(conn, account_id, spend_cap=cap)


def set_low_balance_mark(conn: Connection, account_id: UUID, mark: int | None) -> None:
    """Set the balance below which the account is notified; None for no notice."""
    _set(conn, account_id, low_balance_mark=mark)


def _set(conn: Connection, account_id: UUID, **values: int | None) -> None:
    conn.execute(
        insert(table)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(constraint="credit_limits_pkey", set_=values)
    )


def count_spending(conn: Connection, account_id: UUID, required: int) -> bool:
    """Count credits toward the cap of today; return False, with nothing counted, where that would pass it.

    Call it with the wallet locked. The account's row stays locked until the transaction ends.
    """
    given = {"account": account_id, "required": required}
    return conn.execute(statement("count_spent_credits"), given).first() is not None


def accounts_near_cap(conn: Connection) -> list[UUID]:
    """Return the accounts that have used more than half of their caps today."""
    query = select(table.c.account_id).where(table.c.day == func.today_utc(), table.c.used * 2 > table.c.spend_cap)
    return list(conn.scalars(query.order_by(table.c.account_id)))


def recount_spending(conn: Connection, account_id: UUID) -> None:
    """Leave out of today's count what has been returned; this takes as long as the account's entries of the day."""
    conn.execute(select(table.c.account_id).where(table.c.account_id == account_id).with_for_update())
    conn.execute(statement("recount_spent_credits"), {"account": account_id})


def note_low_balance(conn: Connection, account_id: UUID) -> None:
    """Add to the activity that the account's balance has fallen below its mark; nothing may be locked afterwards."""
    conn.execute(statement("note_low_balance"), {"account": account_id})
