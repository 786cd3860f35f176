"""The channels on which processes notify each other of new work and new events."""

from __future__ import annotations

from sqlalchemy import Connection

from db.statements import execute

# The channels that `hint.sql` notifies.
DUE_CHANNEL = "diorama_due"
EVENTS_CHANNEL = "diorama_events"
# The channel that `sequence_activity.sql` notifies, with the ids of accounts as its payload.
ACTIVITY_CHANNEL = "diorama_activity"


def notify(conn: Connection, *, steps: str, ids: str) -> None:
    """Send step names and job ids, each joined by spaces, to the listeners; an empty string is not sent."""
    execute(conn, "hint", given={"steps": steps, "ids": ids})
