"""Tickets of streams, kept as digests only. Each belongs to the API key or the session that it was made for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select

from db.records.accounts import digest
from db.stream_tables import stream_tickets

# Each new ticket takes a few that have expired along, so that they do not pile up.
_PURGED_AT_ONCE = 10

_now = func.diorama_now


@dataclass(frozen=True, slots=True)
class TicketOwner:
    """The key or the session whose ticket it is; the other one is None."""

    api_key_id: UUID | None
    session_id: UUID | None


def insert_ticket(conn: Connection, ticket: str, owner: TicketOwner, path: str, lasts: timedelta) -> datetime:
    """Add a ticket for the stream at a path, and return when it ends: at the database's time + `lasts`."""
    _purge_some(conn)
    t = stream_tickets.c
    values = {"ticket_sha256": digest(ticket), "api_key_id": owner.api_key_id, "session_id": owner.session_id}
    ends_at: datetime = conn.execute(
        insert(stream_tickets).values(**values, path=path, expires_at=_now() + lasts).returning(t.expires_at)
    ).scalar_one()
    return ends_at


def ticket_owner(conn: Connection, ticket: str, path: str) -> TicketOwner | None:
    """Return whose ticket it is, or None for one that is unknown, has expired or is for another stream."""
    t = stream_tickets.c
    query = select(t.api_key_id, t.session_id).where(
        t.ticket_sha256 == digest(ticket), t.path == path, t.expires_at > _now()
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else TicketOwner(*row)


def _purge_some(conn: Connection) -> None:
    t = stream_tickets.c
    expired = select(t.ticket_sha256).where(t.expires_at <= _now()).order_by(t.expires_at).limit(_PURGED_AT_ONCE)
    conn.execute(delete(stream_tickets).where(t.ticket_sha256.in_(expired.with_for_update(skip_locked=True))))
