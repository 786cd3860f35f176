"""The caller of a request or a socket."""

from __future__ import annotations

from datetime import UTC, datetime

from db.records.api_keys import USE_NOTED_EVERY, note_key_use
from jobs.identity import Principal, authenticate
from schema.database import Database


async def caller_of(database: Database, secret: str | None) -> Principal | None:
    """Return whose key or token this is, or None for none, and note the use of a key now and then."""
    caller = await database.read(authenticate, secret) if secret else None
    await database.find_roles()
    if caller is not None and caller.key is not None and _is_stale(caller.key.used_at):
        await database.write(note_key_use, caller.key.id)
    return caller


def _is_stale(used_at: datetime | None) -> bool:
    return used_at is None or used_at <= datetime.now(UTC) - USE_NOTED_EVERY
