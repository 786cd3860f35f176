"""Accounts, their API keys and their users' sessions. Keys and tokens are kept as digests only."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, any_, func, insert, literal, select, union_all, update
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from db.ids import new_id
from db.scope import Scope
from db.statements import statement
from db.tables import accounts, api_keys, sessions

# The column's maximum.
JOBS_AT_ONCE_MAX = 2**31 - 1

_now = func.diorama_now


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """The owner of an API key: `role` is partner or support."""

    account_id: UUID
    account_name: str
    role: str
    key_name: str


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One end user's session under an account. `tier` is free or paid."""

    id: UUID
    account_id: UUID
    user_ref: str
    tier: str
    created_at: datetime
    expires_at: datetime


def digest(secret: str) -> bytes:
    """Return what is stored of a key or token. They are long and random, so a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(secret.encode()).digest()


def insert_account(conn: Connection, name: str) -> UUID:
    """Add an account and return its id; IntegrityError `accounts_name_unique` where the name is taken."""
    account_id = new_id()
    conn.execute(insert(accounts).values(id=account_id, name=name))
    return account_id


def account_named(conn: Connection, name: str) -> UUID | None:
    """Return the id of the account of that name, or None."""
    return conn.scalar(select(accounts.c.id).where(accounts.c.name == name))


def limit_account(conn: Connection, name: str, jobs_at_once: int | None) -> bool:
    """Bound how many jobs of an account are at the provider at once, None for any; False for an unknown account.

    At most JOBS_AT_ONCE_MAX.
    """
    changed = conn.execute(update(accounts).where(accounts.c.name == name).values(jobs_at_once=jobs_at_once))
    return changed.rowcount > 0


def insert_api_key(conn: Connection, account_id: UUID, *, role: str, name: str, secret: str) -> UUID:
    """Add a key to an account and return the key's id."""
    key_id = new_id()
    conn.execute(
        insert(api_keys).values(id=key_id, account_id=account_id, role=role, name=name, key_sha256=digest(secret))
    )
    return key_id


def key_owner(conn: Connection, secret: str) -> KeyOwner | None:
    """Return whose key this is, or None for an unknown or revoked one."""
    row = conn.execute(
        select(api_keys.c.account_id, accounts.c.name, api_keys.c.role, api_keys.c.name.label("key_name"))
        .join(accounts, accounts.c.id == api_keys.c.account_id)
        .where(api_keys.c.key_sha256 == digest(secret), api_keys.c.revoked_at.is_(None))
    ).one_or_none()
    return None if row is None else KeyOwner(row.account_id, row.name, row.role, row.key_name)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A valid key. `fingerprint` is the beginning of its digest, in hexadecimal: it identifies the key to people."""

    id: UUID
    account_name: str
    role: str
    name: str
    fingerprint: str


def live_keys(conn: Connection) -> list[ApiKey]:
    """Return the keys that have not been revoked, oldest first."""
    rows = conn.execute(
        select(api_keys, accounts.c.name.label("account_name"))
        .join(accounts, accounts.c.id == api_keys.c.account_id)
        .where(api_keys.c.revoked_at.is_(None))
        .order_by(api_keys.c.id)
    )
    return [ApiKey(row.id, row.account_name, row.role, row.name, fingerprint(row.key_sha256)) for row in rows]


def fingerprint(key_sha256: bytes) -> str:
    """Return what names a key to people: the beginning of its digest."""
    return key_sha256.hex()[:12]


def revoke_key(conn: Connection, key_id: UUID) -> None:
    """End a key for good; one that has ended already keeps its time."""
    conn.execute(
        update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=_now())
    )


def valid_secrets(conn: Connection, secrets: Collection[str]) -> set[str]:
    """Return those of the keys and tokens that are neither unknown nor revoked nor expired."""
    by_digest = {digest(secret): secret for secret in secrets}
    given = any_(literal(list(by_digest), ARRAY(BYTEA)))
    keys = select(api_keys.c.key_sha256).where(api_keys.c.key_sha256 == given, api_keys.c.revoked_at.is_(None))
    tokens = select(sessions.c.token_sha256).where(sessions.c.token_sha256 == given, sessions.c.expires_at > _now())
    return {by_digest[bytes(found)] for found in conn.scalars(union_all(keys, tokens))}


_SESSION_COLUMNS = (
    sessions.c.id,
    sessions.c.account_id,
    sessions.c.user_ref,
    sessions.c.tier,
    sessions.c.created_at,
    sessions.c.expires_at,
)


def insert_session(
    conn: Connection, account_id: UUID, *, user_ref: str, tier: str, secret: str, lasts: timedelta
) -> SessionRecord:
    """Open a session that ends at the database's time + `lasts`."""
    row = conn.execute(
        insert(sessions)
        .values(
            id=new_id(),
            account_id=account_id,
            user_ref=user_ref,
            tier=tier,
            token_sha256=digest(secret),
            expires_at=_now() + lasts,
        )
        .returning(*_SESSION_COLUMNS)
    ).one()
    return SessionRecord(**row._mapping)


def live_session(conn: Connection, secret: str) -> SessionRecord | None:
    """Return the session of this token, or None for an unknown or expired one."""
    row = conn.execute(
        select(*_SESSION_COLUMNS).where(sessions.c.token_sha256 == digest(secret), sessions.c.expires_at > _now())
    ).one_or_none()
    return None if row is None else SessionRecord(**row._mapping)


def end_session(conn: Connection, session_id: UUID) -> None:
    """End a session at the database's time; one that has ended already keeps its time."""
    conn.execute(
        update(sessions).where(sessions.c.id == session_id, sessions.c.expires_at > _now()).values(expires_at=_now())
    )


def sessions_in_scope(conn: Connection, scope: Scope, ids: Collection[UUID]) -> dict[UUID, SessionRecord]:
    """Return those of the sessions that the scope may see: an end user sees all of their own."""
    query = select(*_SESSION_COLUMNS).where(sessions.c.id.in_(ids))
    if scope.account_id is not None:
        query = query.where(sessions.c.account_id == scope.account_id)
    if scope.user_ref is not None:
        query = query.where(sessions.c.user_ref == scope.user_ref)
    return {row.id: SessionRecord(**row._mapping) for row in conn.execute(query)}


def accounts_at_limit(conn: Connection, ids: Collection[UUID]) -> set[UUID]:
    """Return those of the accounts that have as many jobs at the provider as they may have at once."""
    return {row.id for row in conn.execute(statement("accounts_at_limit"), {"ids": list(ids)})}
