"""Use of the limits of accounts and their users: counted, or read by indexes of what exists at present."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.statements import statement
from db.support_tables import usage_limits
from db.tables import account_usage, sessions, upload_byte_changes
from statemachine.vocabulary import UsageLimitName, UsageLimitOwner


@dataclass(frozen=True, slots=True)
class Used:
    """The amount that is used of a limit; `frees_at` is when some of it ends by itself, None if that is not known."""

    amount: int
    frees_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UploadsUsed:
    """The use by uploads: how many began in this hour, how many are pending, and the bytes of those that are kept."""

    this_hour: Used
    pending: int
    size_bytes: int


def limits_set(conn: Connection, account_id: UUID) -> dict[tuple[UsageLimitName, UsageLimitOwner], int]:
    """Return the limits that support has set for an account."""
    u = usage_limits.c
    rows = conn.execute(select(u.limit_name, u.owner, u.most).where(u.account_id == account_id))
    return {(UsageLimitName(row.limit_name), UsageLimitOwner(row.owner)): row.most for row in rows}


def set_limit(
    conn: Connection, account_id: UUID, name: UsageLimitName, owner: UsageLimitOwner, most: int | None
) -> None:
    """Set a limit for an account; None for the usual one."""
    u = usage_limits.c
    if most is None:
        conn.execute(delete(usage_limits).where(u.account_id == account_id, u.limit_name == name, u.owner == owner))
        return
    values = {"account_id": account_id, "limit_name": name, "owner": owner, "most": most}
    upsert = insert(usage_limits).values(values)
    conn.execute(upsert.on_conflict_do_update(constraint="usage_limits_pkey", set_={"most": most}))


def count_usage(conn: Connection, account_id: UUID, name: UsageLimitName, added: int, *, is_hourly: bool) -> Used:
    """Add to what an account uses and return what it then uses; other requests of the account wait for the commit."""
    given = {"account": account_id, "limit": name, "added": added, "is_hourly": is_hourly}
    return Used(*conn.execute(statement("count_usage"), given).one())


def correct_usage(conn: Connection, account_id: UUID, name: UsageLimitName, used: int) -> None:
    """Set what an account uses, which `count_usage` has locked, to what was counted exactly."""
    here = (account_usage.c.account_id == account_id, account_usage.c.limit_name == name)
    conn.execute(update(account_usage).where(*here).values(used=used))


def usage_this_hour(conn: Connection, account_id: UUID, name: UsageLimitName) -> Used:
    """Return what an account has used of a limit of the hour."""
    return Used(*conn.execute(statement("usage_this_hour"), {"account": account_id, "limit": name}).one())


def unfinished_jobs(conn: Connection, account_id: UUID, *, most: int) -> int:
    """Return how many jobs of an account have not ended; where there are more than `most`, any larger number."""
    found: int = conn.execute(statement("unfinished_jobs"), {"account": account_id, "most": most + 1}).scalar_one()
    return found


def open_sessions(conn: Connection, account_id: UUID, user_ref: str | None, *, most: int) -> Used:
    """Return how many sessions of an account, or of one of its users, are open, at most `most` + 1 of them."""
    s = sessions.c
    found = select(s.expires_at).where(s.account_id == account_id, s.expires_at > func.diorama_now())
    found = found if user_ref is None else found.where(s.user_ref == user_ref)
    first = found.order_by(s.expires_at).limit(most + 1).subquery()
    return Used(*conn.execute(select(func.count(), func.min(first.c.expires_at))).one())


def uploads_of_account(conn: Connection, account_id: UUID, *, most_pending: int) -> tuple[int, int]:
    """Return how many uploads of an account are pending, at most `most_pending` + 1, and the bytes of those kept."""
    given = {"account": account_id, "most": most_pending + 1}
    pending, size_bytes = conn.execute(statement("uploads_of_account"), given).one()
    return pending, int(size_bytes)


def add_up_upload_bytes(conn: Connection, account_id: UUID) -> None:
    """Add to the bytes that an account keeps what has become ready or gone since."""
    conn.execute(statement("add_up_upload_bytes"), {"account": account_id})


def accounts_with_changed_uploads(conn: Connection, *, most: int) -> list[UUID]:
    """Return accounts whose bytes of uploads have changed and are not added up."""
    c = upload_byte_changes.c.account_id
    return list(conn.scalars(select(c).group_by(c).order_by(c).limit(most)))


def uploads_of_user(conn: Connection, account_id: UUID, user_ref: str) -> UploadsUsed:
    """Return what the uploads of an end user use."""
    given = {"account": account_id, "user_ref": user_ref}
    this_hour, pending, size_bytes, resets_at = conn.execute(statement("uploads_of_user"), given).one()
    return UploadsUsed(Used(this_hour, resets_at), pending, int(size_bytes))
