"""The channels on which processes tell each other that there is something to look at."""

from __future__ import annotations

from sqlalchemy import Connection

from db.statements import statement

# What `hint.sql` notifies.
DUE_CHANNEL = "diorama_due"
EVENTS_CHANNEL = "diorama_events"


def notify(conn: Connection, *, steps: str, ids: str) -> None:
    """Send the names of steps and the ids of jobs, each joined by spaces, to those who listen; nothing for empty."""
    conn.execute(statement("hint"), {"steps": steps, "ids": ids})
