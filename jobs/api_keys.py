"""API keys: issued and revoked by operators at the command line, and by accounts for themselves through the API."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from db.public_ids import IdKind, encode_id
from db.records.accounts import (
    account_named,
    digest,
    insert_account,
    insert_test_account,
    is_test_account,
    lock_account,
    test_account_of,
)
from db.records.api_keys import (
    ApiKey,
    change_role,
    expire_key,
    fingerprint,
    insert_api_key,
    key_with_secret,
    live_keys,
    revoke_key,
)
from db.records.audit import add_audit_entry
from db.records.ledger import WalletKey, post_entry
from jobs.errors import Forbidden, Invalid, NotFound
from jobs.identity import KEY_PREFIX, TEST_KEY_PREFIX, Principal
from jobs.requesting.credits import check_explained
from statemachine.vocabulary import SUPPORT_ROLES, AuditAction, KeyMode, KeyScope, Role

KEYS_PER_ACCOUNT_MAX = 100
NAME_MAX = 100
OVERLAP_MAX = timedelta(days=30)

_PREFIXES = (KEY_PREFIX, TEST_KEY_PREFIX)
# Bounds how many of our threads a slow stand-in can occupy.
TEST_JOBS_AT_ONCE = 10
TEST_CREDITS = 1_000_000
_KEYS_NAMED_MAX = 20
# Fewer digits may be a word that was meant as a name.
_FINGERPRINT_LEAST = 8


def issue_api_key(conn: Connection, account_name: str, *, role: str, key_name: str) -> str:
    """Add a key for an account, which is made where it is new, and return the key. It cannot be read again."""
    account_id = account_named(conn, account_name) or insert_account(conn, account_name)
    return _new_key(conn, account_id, role=role, name=key_name, scopes=list(KeyScope))


def revoke_api_key(conn: Connection, which: str) -> ApiKey:
    """End a key, given by itself, by its name or by the beginning of its fingerprint, and return it.

    Raises NotFound if no key matches, and Invalid if several do; both list the existing keys.
    """
    keys = live_keys(conn)
    found = [key for key in keys if _is_meant(key, which)]
    if not found:
        raise NotFound(f"there is no API key {_shown(which)!r}; {_named(keys)}")
    if len(found) > 1:
        raise Invalid(f"{which!r} matches {len(found)} API keys: give the fingerprint of one; {_named(found)}")
    revoke_key(conn, found[0].id)
    return found[0]


def _is_meant(key: ApiKey, which: str) -> bool:
    if which.startswith(_PREFIXES):
        return key.fingerprint == fingerprint(digest(which))
    return key.name == which or (len(which) >= _FINGERPRINT_LEAST and key.fingerprint.startswith(which.lower()))


def _shown(which: str) -> str:
    """Return what was given, without the secret part of a key."""
    return next((f"{prefix}…" for prefix in _PREFIXES if which.startswith(prefix)), which)


def _named(keys: list[ApiKey]) -> str:
    named = [f"{key.fingerprint} ({key.name}, {key.role})" for key in keys[-_KEYS_NAMED_MAX:]]
    more = f" and {len(keys) - len(named)} older ones" if len(keys) > len(named) else ""
    return f"there are {', '.join(named)}{more}" if named else "there are none"


def create_api_key(
    conn: Connection,
    caller: Principal,
    *,
    name: str,
    scopes: Collection[KeyScope],
    role: Role | None = None,
    mode: KeyMode = KeyMode.LIVE,
) -> tuple[ApiKey, str]:
    """Add a key to the caller's account; return it and its secret, which cannot be read again.

    A partner's key makes keys of its own role, and support names one of its roles. A test key belongs to the account's
    test account, which the first one makes.
    Raises Invalid for a name out of bounds, for a role that the caller cannot give, for too many keys, for scopes that
    the caller's own key lacks, and for a live key from a test key, and Forbidden for a session.
    """
    own = _own_key(caller)
    given = _role_given(caller, role)
    if not 1 <= len(name.strip()) <= NAME_MAX:
        raise Invalid(f"name must have 1 to {NAME_MAX} characters.", "input", "name")
    if beyond := set(scopes) - own.scopes:
        raise Invalid(
            f"Your own key lacks {_listed(beyond)}; a key cannot give scopes that it does not have.", "input", "scopes"
        )
    key, secret = _added(conn, _account_for(conn, caller, mode), given, name.strip(), scopes)
    _audit(conn, caller, AuditAction.CREATE_API_KEY, key, f"{key.name}, {key.role}")
    return key, secret


def rotate_api_key(conn: Connection, caller: Principal, key_id: UUID, *, overlap: timedelta) -> tuple[ApiKey, str]:
    """Replace a key by one of the same name and scopes; the old one works until the database's time + `overlap`.

    Raises NotFound for a key that the caller does not manage or that no longer works, Invalid for an overlap out of
    bounds and for a key with scopes that the caller's own key lacks, and Forbidden for a session.
    """
    own = _own_key(caller)
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise Invalid(
            f"overlapSeconds must be from 0 to {OVERLAP_MAX // timedelta(seconds=1)}.", "input", "overlapSeconds"
        )
    key = _key_of(conn, caller, key_id)
    if beyond := key.scopes - own.scopes:
        raise Invalid(
            f"Your own key lacks {_listed(beyond)}; a key cannot give scopes that it does not have.", "input", "id"
        )
    expire_key(conn, key.id, overlap)
    _audit(conn, caller, AuditAction.ROTATE_API_KEY, key, f"{key.name}, {key.role}")
    return _added(conn, key.account_id, Role(key.role), key.name, key.scopes)


def end_api_key(conn: Connection, caller: Principal, key_id: UUID) -> ApiKey:
    """Revoke a key that the caller manages at once, and return it as it was. Raises as `rotate_api_key` does."""
    _own_key(caller)
    key = _key_of(conn, caller, key_id)
    revoke_key(conn, key.id)
    _audit(conn, caller, AuditAction.REVOKE_API_KEY, key, f"{key.name}, {key.role}")
    return key


def set_api_key_role(conn: Connection, caller: Principal, key_id: UUID, role: Role, reason: str) -> ApiKey:
    """Give a key of support another of its roles at once, and return the key. For support only.

    Raises Forbidden, Invalid for another role or a bad reason, NotFound for a key that is not support's.
    """
    if not caller.is_support:
        raise Forbidden("Only support can change the role of a key.")
    given = _role_given(caller, role)
    check_explained(reason)
    key = _key_of(conn, caller, key_id)
    change_role(conn, key.id, given)
    _audit(conn, caller, AuditAction.SET_API_KEY_ROLE, key, f"{key.name}, {key.role} to {given}: {reason}")
    return replace(key, role=given)


def api_keys_of(conn: Connection, caller: Principal) -> list[ApiKey]:
    """Return the keys that the caller manages and that work, oldest first; raise Forbidden for a session.

    A partner manages those of its account, and support those of all its members, whatever their accounts.
    """
    _own_key(caller)
    if caller.is_support:
        return live_keys(conn, roles=SUPPORT_ROLES)
    test_id = test_account_of(conn, caller.account_id)
    of_tests = [] if test_id is None else live_keys(conn, test_id, roles=[Role.PARTNER])
    return live_keys(conn, caller.account_id, roles=[Role.PARTNER]) + of_tests


def _role_given(caller: Principal, role: Role | None) -> Role:
    if caller.is_support:
        possible: tuple[Role, ...] = SUPPORT_ROLES
    else:
        possible, role = (Role.PARTNER,), role or Role.PARTNER
    if role not in possible:
        raise Invalid(f"role must be {' or '.join(each.name for each in possible)}.", "input", "role")
    return role


def _audit(conn: Connection, caller: Principal, action: AuditAction, key: ApiKey, what: str) -> None:
    """Note what support did with a key."""
    if caller.is_support:
        add_audit_entry(conn, caller.author, action, subject=encode_id(IdKind.API_KEY, key.id), reason=what)


def _account_for(conn: Connection, caller: Principal, mode: KeyMode) -> UUID:
    if caller.is_support and mode is KeyMode.TEST:
        raise Invalid("Support has no test keys.", "input", "mode")
    if caller.is_test and mode is KeyMode.LIVE:
        raise Invalid("A test key can create test keys only; use a live key.", "input", "mode")
    if caller.is_test or mode is KeyMode.LIVE:
        return caller.account_id
    # Two first test keys at once must not both make the account.
    lock_account(conn, caller.account_id)
    return test_account_of(conn, caller.account_id) or _new_test_account(conn, caller)


def _new_test_account(conn: Connection, caller: Principal) -> UUID:
    account_id = insert_test_account(conn, caller.account_id, jobs_at_once=TEST_JOBS_AT_ONCE)
    # Jobs cost nothing, but a partner also tries its transfers to users.
    post_entry(conn, WalletKey(account_id), "grant", TEST_CREDITS, actor=caller.actor, reason="test credits")
    return account_id


def _own_key(caller: Principal) -> ApiKey:
    if caller.key is None:
        raise Forbidden("Only an API key can manage keys; this is a session token.")
    return caller.key


def _key_of(conn: Connection, caller: Principal, key_id: UUID) -> ApiKey:
    for key in api_keys_of(conn, caller):
        if key.id == key_id:
            return key
    raise NotFound("There is no such API key, or it no longer works.", "input", "id")


def _added(
    conn: Connection, account_id: UUID, role: Role, name: str, scopes: Collection[KeyScope]
) -> tuple[ApiKey, str]:
    # Two keys added at once must not both be the last that an account may have.
    lock_account(conn, account_id)
    if len(live_keys(conn, account_id)) >= KEYS_PER_ACCOUNT_MAX:
        raise Invalid(f"An account has at most {KEYS_PER_ACCOUNT_MAX} keys: revoke some first.", "input")
    secret = _new_key(conn, account_id, role=role, name=name, scopes=scopes)
    added = key_with_secret(conn, secret)
    if added is None:
        raise LookupError("a key that was just added cannot be read")
    return added, secret


def _new_key(conn: Connection, account_id: UUID, *, role: str, name: str, scopes: Collection[KeyScope]) -> str:
    """Add a key with a fresh secret, and return the secret."""
    prefix = TEST_KEY_PREFIX if is_test_account(conn, account_id) else KEY_PREFIX
    secret = prefix + secrets.token_urlsafe(32)
    insert_api_key(conn, account_id, role=role, name=name, secret=secret, scopes=scopes)
    return secret


def _listed(scopes: Collection[KeyScope]) -> str:
    return ", ".join(sorted(scope.name for scope in scopes))
