"""Tickets of streams: what a reader that can send no header has in its address instead of a key or token."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection

from db.records.stream_tickets import TicketOwner, insert_ticket, ticket_owner
from jobs.errors import Invalid
from jobs.identity import Principal, key_holder, session_holder

TICKET_LASTS_MIN = timedelta(minutes=1)
TICKET_LASTS_MAX = timedelta(hours=1)

# As those of keys and tokens.
_PREFIX = "dio_tkt_"


def make_ticket(conn: Connection, caller: Principal, path: str, lasts: timedelta) -> tuple[str, datetime]:
    """Make a ticket for the stream at a path, which the caller may read; return it, and when it ends.

    Raises Invalid for a duration out of bounds.
    """
    if not TICKET_LASTS_MIN <= lasts <= TICKET_LASTS_MAX:
        raise Invalid("A ticket lasts from one minute to one hour.", "input", "expiresInSeconds")
    ticket = _PREFIX + secrets.token_urlsafe(32)
    owner = TicketOwner(caller.key.id if caller.key else None, caller.session.id if caller.session else None)
    return ticket, insert_ticket(conn, ticket, owner, path, lasts)


def ticket_holder(conn: Connection, ticket: str, path: str) -> Principal | None:
    """Return who reads the stream at a path with a ticket, or None where it does not open it, now or any more."""
    owner = ticket_owner(conn, ticket, path)
    if owner is None:
        return None
    found = _holder(conn, owner)
    return None if found is None or found.is_suspended else found


def _holder(conn: Connection, owner: TicketOwner) -> Principal | None:
    if owner.session_id is not None:
        return session_holder(conn, owner.session_id)
    return None if owner.api_key_id is None else key_holder(conn, owner.api_key_id)
