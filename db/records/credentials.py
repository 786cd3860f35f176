"""Finds which of many keys, tokens and tickets still work, in one statement."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, any_, func, literal, or_, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from db.records.accounts import digest
from db.records.api_keys import key_works
from db.records.suspensions import is_suspended
from db.stream_tables import stream_tickets
from db.tables import api_keys, sessions
from statemachine.vocabulary import Role

_now = func.diorama_now


def roles_of_valid(conn: Connection, secrets: Collection[str]) -> dict[str, Role]:
    """Return the secrets that are neither unknown nor revoked nor expired, nor of the suspended, with their roles."""
    by_digest = {digest(secret): secret for secret in secrets}
    given = any_(literal(list(by_digest), ARRAY(BYTEA)))
    tickets, t = stream_tickets, stream_tickets.c
    is_live_ticket = (t.ticket_sha256 == given) & (t.expires_at > _now())
    of_session = literal(str(Role.SESSION))
    of_keys = select(t.ticket_sha256, api_keys.c.role).join_from(tickets, api_keys, api_keys.c.id == t.api_key_id)
    of_sessions = select(t.ticket_sha256, of_session).join_from(tickets, sessions, sessions.c.id == t.session_id)
    found = union_all(
        _of_live_keys(select(api_keys.c.key_sha256, api_keys.c.role).where(api_keys.c.key_sha256 == given)),
        _of_live_sessions(select(sessions.c.token_sha256, of_session).where(sessions.c.token_sha256 == given)),
        _of_live_keys(of_keys.where(is_live_ticket)),
        _of_live_sessions(of_sessions.where(is_live_ticket)),
    )
    return {by_digest[bytes(secret)]: Role(role) for secret, role in conn.execute(found)}


def _of_live_keys(query: Select[Any]) -> Select[Any]:
    admitted = or_(api_keys.c.role != Role.PARTNER, ~is_suspended(api_keys.c.account_id))
    return query.where(key_works(), admitted)


def _of_live_sessions(query: Select[Any]) -> Select[Any]:
    return query.where(sessions.c.expires_at > _now(), ~is_suspended(sessions.c.account_id, sessions.c.user_ref))
