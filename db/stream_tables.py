"""The table of the tickets of streams as SQLAlchemy knows it, in the same metadata as the others."""

from __future__ import annotations

from sqlalchemy import Text, Uuid
from sqlalchemy.dialects.postgresql import BYTEA

from db.tables import Time, table

stream_tickets = table(
    "stream_tickets", ticket_sha256=BYTEA, api_key_id=Uuid, session_id=Uuid, path=Text, expires_at=Time
)
