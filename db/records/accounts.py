"""Accounts and their users' sessions, whose tokens are kept as digests only."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from db.ids import new_id
from db.paging import Page, Window, fetch_page
from db.records.suspensions import is_suspended
from db.scope import Scope
from db.statements import statement
from db.tables import accounts, sessions

# The column's maximum.
JOBS_AT_ONCE_MAX = 2**31 - 1

_now = func.diorama_now


@dataclass(frozen=True, slots=True)
class Account:
    """An account. `jobs_at_once` bounds its jobs at the provider; None for any number."""

    id: UUID
    name: str
    jobs_at_once: int | None
    created_at: datetime
    is_test: bool


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One end user's session under an account. `tier` is free or paid; the user or the account may be suspended.

    The one without a token stands for what API keys request on the user's behalf.
    """

    id: UUID
    account_id: UUID
    user_ref: str
    tier: str
    created_at: datetime
    expires_at: datetime
    has_token: bool = True
    is_suspended: bool = False
    is_test: bool = False


def digest(secret: str) -> bytes:
    """Return what is stored of a key or token. They are long and random, so a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(secret.encode()).digest()


def insert_account(conn: Connection, name: str) -> UUID:
    """Add an account and return its id; IntegrityError `accounts_name_unique` where the name is taken."""
    account_id = new_id()
    conn.execute(insert(accounts).values(id=account_id, name=name))
    return account_id


def test_account_of(conn: Connection, live_id: UUID) -> UUID | None:
    """Return the test account beside an account, or None if it has none yet."""
    return conn.scalar(select(accounts.c.id).where(accounts.c.live_id == live_id))


def insert_test_account(conn: Connection, live_id: UUID, *, jobs_at_once: int) -> UUID:
    """Add the test account of an account, which the caller has locked; IntegrityError where its name is taken."""
    account_id = new_id()
    name = select(func.concat(accounts.c.name, " (test)")).where(accounts.c.id == live_id).scalar_subquery()
    values = {"id": account_id, "name": name, "is_test": True, "live_id": live_id, "jobs_at_once": jobs_at_once}
    conn.execute(insert(accounts).values(values))
    return account_id


def is_test_account(conn: Connection, account_id: UUID) -> bool:
    """Return whether jobs of an account go to the stand-in."""
    return bool(conn.scalar(select(accounts.c.is_test).where(accounts.c.id == account_id)))


def account_named(conn: Connection, name: str) -> UUID | None:
    """Return the id of the account of that name, or None."""
    return conn.scalar(select(accounts.c.id).where(accounts.c.name == name))


def lock_account(conn: Connection, account_id: UUID) -> None:
    """Lock an account until the transaction ends. Rows that reference it can still be added."""
    conn.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update(key_share=True))


def limit_account(conn: Connection, name: str, jobs_at_once: int | None) -> bool:
    """Bound how many jobs of an account are at the provider at once, None for any; False for an unknown account.

    At most JOBS_AT_ONCE_MAX.
    """
    changed = conn.execute(update(accounts).where(accounts.c.name == name).values(jobs_at_once=jobs_at_once))
    return changed.rowcount > 0


_ACCOUNT_COLUMNS = (accounts.c.id, accounts.c.name, accounts.c.jobs_at_once, accounts.c.created_at, accounts.c.is_test)


def _account(row: Any) -> Account:
    return Account(**row._mapping)


def accounts_in_scope(conn: Connection, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Account]:
    """Return those of the accounts that the scope may see: an account sees itself, an end user sees none."""
    query = select(*_ACCOUNT_COLUMNS).where(accounts.c.id.in_(ids))
    if scope.account_id is not None:
        query = query.where(accounts.c.id == scope.account_id, literal(scope.user_ref is None))
    return {row.id: _account(row) for row in conn.execute(query)}


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """A filter of accounts; a field that is None does not filter. `name_contains` ignores case."""

    name: str | None = None
    name_contains: str | None = None


def account_page(conn: Connection, wanted: AccountFilter, window: Window) -> Page[Account]:
    """Return one page of all accounts, newest first; the key is (id,)."""
    a = accounts.c
    query = select(*_ACCOUNT_COLUMNS)
    query = query if wanted.name is None else query.where(a.name == wanted.name)
    if wanted.name_contains is not None:
        query = query.where(a.name.icontains(wanted.name_contains, autoescape=True))
    return fetch_page(conn, query, (a.id,), window, _account, descending=True)


_SESSION_COLUMNS = (
    sessions.c.id,
    sessions.c.account_id,
    sessions.c.user_ref,
    sessions.c.tier,
    sessions.c.created_at,
    sessions.c.expires_at,
    sessions.c.token_sha256.is_not(None).label("has_token"),
    is_suspended(sessions.c.account_id, sessions.c.user_ref).label("is_suspended"),
    select(accounts.c.is_test).where(accounts.c.id == sessions.c.account_id).scalar_subquery().label("is_test"),
)


def _session(row: Any) -> SessionRecord:
    return SessionRecord(**row._mapping)


def insert_session(
    conn: Connection, account_id: UUID, *, user_ref: str, tier: str, secret: str, lasts: timedelta
) -> SessionRecord:
    """Open a session that ends at the database's time + `lasts`."""
    session_id = new_id()
    conn.execute(
        insert(sessions).values(
            id=session_id,
            account_id=account_id,
            user_ref=user_ref,
            tier=tier,
            token_sha256=digest(secret),
            expires_at=_now() + lasts,
        )
    )
    # Read afterwards: what an insert returns is not correlated with other tables.
    return _session(conn.execute(select(*_SESSION_COLUMNS).where(sessions.c.id == session_id)).one())


def lock_tokenless_session(conn: Connection, account_id: UUID, user_ref: str) -> SessionRecord:
    """Return the session of a user that has no token, made on its first use.

    It stays locked until the transaction ends: the deletion of the user, which renames it, waits.
    """
    who = (sessions.c.account_id == account_id, sessions.c.user_ref == user_ref, sessions.c.token_sha256.is_(None))
    query = select(*_SESSION_COLUMNS).where(*who).with_for_update(read=True, of=sessions)
    while (row := conn.execute(query).one_or_none()) is None:
        values = {"id": new_id(), "account_id": account_id, "user_ref": user_ref, "tier": "paid", "expires_at": _now()}
        conn.execute(upsert(sessions).values(values).on_conflict_do_nothing())
    return _session(row)


def live_session(conn: Connection, secret: str) -> SessionRecord | None:
    """Return the session of this token, or None for an unknown or expired one."""
    return _live(conn, sessions.c.token_sha256 == digest(secret))


def live_session_with_id(conn: Connection, session_id: UUID) -> SessionRecord | None:
    """Return the session with this id, or None for one that has ended."""
    return _live(conn, sessions.c.id == session_id)


def _live(conn: Connection, condition: ColumnElement[bool]) -> SessionRecord | None:
    row = conn.execute(select(*_SESSION_COLUMNS).where(condition, sessions.c.expires_at > _now())).one_or_none()
    return None if row is None else _session(row)


def end_session(conn: Connection, session_id: UUID) -> None:
    """End a session at the database's time; one that has ended already keeps its time."""
    conn.execute(
        update(sessions).where(sessions.c.id == session_id, sessions.c.expires_at > _now()).values(expires_at=_now())
    )


def sessions_in_scope(conn: Connection, scope: Scope, ids: Collection[UUID]) -> dict[UUID, SessionRecord]:
    """Return those of the sessions that the scope may see: an end user sees all of their own."""
    query = _sessions_of(scope).where(sessions.c.id.in_(ids))
    return {row.id: _session(row) for row in conn.execute(query)}


def session_page(conn: Connection, scope: Scope, user_ref: str | None, window: Window) -> Page[SessionRecord]:
    """Return one page of the sessions that the scope may see, of one end user or of all, newest first.

    Ids are in order of creation, so the key is (id,).
    """
    query = _sessions_of(scope)
    query = query if user_ref is None else query.where(sessions.c.user_ref == user_ref)
    return fetch_page(conn, query, (sessions.c.id,), window, _session, descending=True)


def _sessions_of(scope: Scope) -> Select[Any]:
    query = select(*_SESSION_COLUMNS)
    query = query if scope.account_id is None else query.where(sessions.c.account_id == scope.account_id)
    return query if scope.user_ref is None else query.where(sessions.c.user_ref == scope.user_ref)


def accounts_at_limit(conn: Connection, ids: Collection[UUID]) -> set[UUID]:
    """Return those of the accounts that have as many jobs at the provider as they may have at once."""
    return {row.id for row in conn.execute(statement("accounts_at_limit"), {"ids": list(ids)})}
