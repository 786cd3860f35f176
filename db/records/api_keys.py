"""API keys of accounts, kept as digests only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    func,
    insert,
    or_,
    select,
    update,
)

from db.ids import new_id
from db.records.accounts import digest
from db.records.suspensions import is_suspended
from db.tables import accounts, api_keys
from statemachine.vocabulary import KeyScope, Role

# A key's use is noted at most this often, so that a request does not cost a write.
USE_NOTED_EVERY = timedelta(minutes=1)

_now = func.diorama_now


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that works. `role` is partner, or one of support; `used_at` is within a minute of its last use.

    `fingerprint` is the beginning of its digest, in hexadecimal: it identifies the key to people. A key that another
    has replaced works until `expires_at`. `is_suspended` is that of its account.
    """

    id: UUID
    account_id: UUID
    account_name: str
    role: str
    name: str
    fingerprint: str
    scopes: frozenset[KeyScope]
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    is_suspended: bool = False
    is_test: bool = False


def insert_api_key(
    conn: Connection, account_id: UUID, *, role: str, name: str, secret: str, scopes: Collection[KeyScope]
) -> UUID:
    """Add a key to an account and return the key's id."""
    key_id = new_id()
    values = {"id": key_id, "account_id": account_id, "role": role, "name": name, "key_sha256": digest(secret)}
    conn.execute(insert(api_keys).values(**values, scopes=sorted(scopes)))
    return key_id


def key_with_secret(conn: Connection, secret: str) -> ApiKey | None:
    """Return the key of this secret, or None for an unknown, revoked or expired one."""
    row = conn.execute(_live().where(api_keys.c.key_sha256 == digest(secret))).one_or_none()
    return None if row is None else _key(row)


def live_key(conn: Connection, key_id: UUID) -> ApiKey | None:
    """Return the key with this id, or None for a revoked or expired one."""
    row = conn.execute(_live().where(api_keys.c.id == key_id)).one_or_none()
    return None if row is None else _key(row)


def live_keys(conn: Connection, account_id: UUID | None = None, roles: Collection[Role] = ()) -> list[ApiKey]:
    """Return the keys that work, oldest first: of one account or of all, with one of some roles or with any."""
    query = _live().order_by(api_keys.c.id)
    query = query.where(api_keys.c.role.in_(roles)) if roles else query
    if account_id is not None:
        query = query.where(api_keys.c.account_id == account_id)
    return [_key(row) for row in conn.execute(query)]


def note_key_use(conn: Connection, key_id: UUID) -> None:
    """Note that a key was used just now, unless that was noted within `USE_NOTED_EVERY`."""
    is_stale = or_(api_keys.c.used_at.is_(None), api_keys.c.used_at <= _now() - USE_NOTED_EVERY)
    conn.execute(update(api_keys).where(api_keys.c.id == key_id, is_stale).values(used_at=_now()))


def revoke_key(conn: Connection, key_id: UUID) -> None:
    """End a key for good; one that has ended already keeps its time."""
    conn.execute(
        update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=_now())
    )


def change_role(conn: Connection, key_id: UUID, role: Role) -> None:
    """Give a key another role, from the next request on."""
    conn.execute(update(api_keys).where(api_keys.c.id == key_id).values(role=role))


def expire_key(conn: Connection, key_id: UUID, after: timedelta) -> None:
    """Let a key work for `after` from the database's time, unless it ends sooner."""
    ends_at = func.least(_now() + after, api_keys.c.expires_at)
    conn.execute(update(api_keys).where(api_keys.c.id == key_id).values(expires_at=ends_at))


def key_works() -> ColumnElement[bool]:
    """Return the SQL condition that a key has been neither revoked nor has expired."""
    return api_keys.c.revoked_at.is_(None) & or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > _now())


def fingerprint(key_sha256: bytes) -> str:
    """Return what names a key to people: the beginning of its digest."""
    return key_sha256.hex()[:12]


def _live() -> Select[Any]:
    suspended = is_suspended(api_keys.c.account_id).label("is_suspended")
    joined = select(api_keys, accounts.c.name.label("account_name"), accounts.c.is_test, suspended)
    return joined.join(accounts, accounts.c.id == api_keys.c.account_id).where(key_works())


def _key(row: Row[Any]) -> ApiKey:
    given = dict(row._mapping)
    del given["revoked_at"]
    given["scopes"] = frozenset(map(KeyScope, given["scopes"]))
    given["fingerprint"] = fingerprint(given.pop("key_sha256"))
    return ApiKey(**given)
