"""Values of exports that may be missing, as the API writes them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from schema.ids import IdKind, encode_id
from schema.scalars import write_time


def optional_id(kind: IdKind, value: UUID | None) -> str | None:
    """Return a public id, or None."""
    return None if value is None else encode_id(kind, value)


def optional_time(value: datetime | None) -> str | None:
    """Return a time in UTC as RFC 3339 has it, or None."""
    return None if value is None else write_time(value)
