"""Callers: API keys of partners and support, and session tokens of end users."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from db.records.accounts import (
    SessionRecord,
    end_session,
    insert_session,
    live_session,
    live_session_with_id,
    lock_tokenless_session,
    sessions_in_scope,
)
from db.records.api_keys import ApiKey, key_with_secret, live_key
from db.records.audit import Author
from db.records.ledger import WalletKey
from db.records.suspensions import suspensions_of
from db.scope import EVERYTHING, Scope
from jobs.errors import Forbidden, Invalid, NotFound, Suspended
from jobs.usage_limits import check_sessions
from statemachine.vocabulary import SUPPORT_ROLES, Actor, KeyScope, Role

# The prefix tells a leaked secret's kind at a glance, and lets secret scanners find it.
KEY_PREFIX = "dio_key_"
TEST_KEY_PREFIX = "dio_test_key_"
_SESSION_PREFIX = "dio_ses_"
_TEST_SESSION_PREFIX = "dio_test_ses_"

SESSION_LASTS_MAX = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `role` is the key's, or session; `session` is set for the last, `key` otherwise.

    `behalf` is the session without a token of the user whom a key requests for; `on_behalf_of` sets it. `name` is how
    the history names the caller, and `request_id` how logs and errors name the request that they make.
    """

    account_id: UUID
    role: str
    name: str
    session: SessionRecord | None = None
    key: ApiKey | None = None
    request_id: str | None = None
    behalf: SessionRecord | None = None

    @property
    def scope(self) -> Scope:
        """Return the scope of what this caller may read: for a user, what is the user's or the account's own."""
        if self.behalf is not None:
            return Scope(self.account_id, self.behalf.user_ref, with_own=True)
        if self.is_support:
            return EVERYTHING
        return Scope(self.account_id, self.session.user_ref if self.session else None)

    @property
    def is_support(self) -> bool:
        """Return whether this is support staff."""
        return self.role in SUPPORT_ROLES

    def has_role(self, needed: Role) -> bool:
        """Return whether this is support with a role, or one above it."""
        return self.is_support and SUPPORT_ROLES.index(Role(self.role)) >= SUPPORT_ROLES.index(needed)

    @property
    def is_suspended(self) -> bool:
        """Return whether the caller may read only. Support is not suspended: its keys are revoked."""
        given = self.session or self.key
        return not self.is_support and given is not None and given.is_suspended

    @property
    def is_test(self) -> bool:
        """Return whether what this caller requests goes to the stand-in, and costs nothing."""
        given = self.session or self.key
        return given is not None and given.is_test

    @property
    def sees_provider(self) -> bool:
        """Return whether this caller reads what the provider was asked and paid: not the session of an end user."""
        return self.session is None

    @property
    def sees_content(self) -> bool:
        """Return whether this caller reads what people gave and got, words and pictures: not a viewer of support."""
        return self.role != Role.VIEWER

    @property
    def tier(self) -> str:
        """Return the tier of this caller's requests: that of the session; a partner's own requests are paid."""
        return self.session.tier if self.session else "paid"

    @property
    def filed_under(self) -> SessionRecord | None:
        """Return the session that owns what this caller makes; None for the account itself."""
        return self.session or self.behalf

    @property
    def user_ref(self) -> str:
        """Return the owner of the idempotency keys: the end user, or empty for the partner itself."""
        return self.filed_under.user_ref if self.filed_under else ""

    @property
    def wallet(self) -> WalletKey:
        """Return the wallet that pays for this caller's requests."""
        return WalletKey(self.account_id, self.user_ref)

    @property
    def scopes(self) -> Collection[KeyScope]:
        """Return the scopes of the caller's key. A session has all of them: other rules say what it may not do."""
        return list(KeyScope) if self.key is None else self.key.scopes

    @property
    def actor(self) -> str:
        """Return the name of this caller in histories."""
        return f"{Actor.SUPPORT}:{self.name}" if self.is_support else Actor.API

    @property
    def author(self) -> Author:
        """Return this member of support as the author of entries in the audit."""
        return Author(self.actor, Role(self.role))


def authenticate(conn: Connection, secret: str) -> Principal | None:
    """Return whose key or token this is, or None where it is unknown, revoked or expired."""
    if secret.startswith((KEY_PREFIX, TEST_KEY_PREFIX)):
        return _of_key(key_with_secret(conn, secret))
    if secret.startswith((_SESSION_PREFIX, _TEST_SESSION_PREFIX)):
        return _of_session(live_session(conn, secret))
    return None


def key_holder(conn: Connection, key_id: UUID) -> Principal | None:
    """Return whose key this is, or None where it is revoked or expired."""
    return _of_key(live_key(conn, key_id))


def session_holder(conn: Connection, session_id: UUID) -> Principal | None:
    """Return whose session this is, or None where it has ended."""
    return _of_session(live_session_with_id(conn, session_id))


def _of_key(key: ApiKey | None) -> Principal | None:
    return None if key is None else Principal(key.account_id, key.role, key.name, key=key)


def _of_session(session: SessionRecord | None) -> Principal | None:
    return None if session is None else Principal(session.account_id, "session", session.user_ref, session)


def open_session(
    conn: Connection, caller: Principal, *, user_ref: str, tier: str, lasts: timedelta
) -> tuple[SessionRecord, str]:
    """Open a session for one of a partner's end users; return it and its token, which cannot be read again.

    Raises Forbidden for a caller that is itself a session, Invalid for a reference or a duration out of bounds,
    Suspended for a suspended user, and LimitExceeded where the user or the account has too many open ones.
    """
    if caller.session is not None:
        raise Forbidden("Only an API key can open sessions; this is a session token.")
    if not timedelta(minutes=1) <= lasts <= SESSION_LASTS_MAX:
        raise Invalid("A session lasts from one minute to 30 days.", "input", "expiresInSeconds")
    _check_user(conn, caller, user_ref, "userRef")
    token = (_TEST_SESSION_PREFIX if caller.is_test else _SESSION_PREFIX) + secrets.token_urlsafe(32)
    session = insert_session(conn, caller.account_id, user_ref=user_ref, tier=tier, secret=token, lasts=lasts)
    check_sessions(conn, caller.account_id, user_ref, tier)
    return session, token


def on_behalf_of(conn: Connection, caller: Principal, user_ref: str | None) -> Principal:
    """Return the caller as it requests for one of its account's end users; the caller itself for None.

    What it then makes belongs to the user, who pays for it and sees it. Raises Forbidden for a session, Invalid for a
    reference out of bounds, and Suspended for a suspended user.
    """
    if user_ref is None:
        return caller
    if caller.session is not None:
        raise Forbidden("Only an API key can use onBehalfOf; this is a session token, which acts for its own user.")
    _check_user(conn, caller, user_ref, "onBehalfOf")
    return replace(caller, behalf=lock_tokenless_session(conn, caller.account_id, user_ref))


def _check_user(conn: Connection, caller: Principal, user_ref: str, argument: str) -> None:
    if not 1 <= len(user_ref) <= 200:
        raise Invalid(f"{argument} must have 1 to 200 characters.", "input", argument)
    if suspensions_of(conn, [WalletKey(caller.account_id, user_ref)]):
        raise Suspended("This user is suspended: contact support.", "input", argument)


def close_session(conn: Connection, caller: Principal, session_id: UUID | None) -> SessionRecord:
    """End a session that the caller may see, by default the caller's own, and return it. Safe to repeat.

    Raises NotFound, or Invalid for an API key that names no session.
    """
    if session_id is None and caller.session is None:
        raise Invalid("sessionId must name the session to end; only a session can omit it.", "input", "sessionId")
    wanted = session_id or (caller.session.id if caller.session else None)
    found = [] if wanted is None else list(sessions_in_scope(conn, caller.scope, [wanted]))
    if not found:
        raise NotFound("The session does not exist.", "input", "sessionId")
    end_session(conn, found[0])
    return sessions_in_scope(conn, caller.scope, found)[found[0]]
