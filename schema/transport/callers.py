"""The caller of a request or a socket."""

from __future__ import annotations

from datetime import UTC, datetime

from db.records.api_keys import USE_NOTED_EVERY, note_key_use
from jobs.identity import Principal, authenticate
from schema.context import Parts
from schema.errors import UNAUTHENTICATED, ApiError
from schema.transport.http_request import Refusal

_NO_TEST_MODE = "This service has no test mode, so it refuses test keys and their sessions: use a live key."


async def caller_of(parts: Parts, secret: str | None) -> Principal | None:
    """Return whose key or token this is, or None for none, and note the use of a key now and then.

    Raises Refusal for a test key or the token of a test session where there is no test mode.
    """
    caller = await parts.database.read(authenticate, secret) if secret else None
    await parts.database.find_roles()
    if caller is not None and caller.is_test and not parts.settings.has_test_mode:
        raise Refusal(401, ApiError(UNAUTHENTICATED, _NO_TEST_MODE), {"WWW-Authenticate": "Bearer"})
    if caller is not None and caller.key is not None and _is_stale(caller.key.used_at):
        await parts.database.write(note_key_use, caller.key.id)
    return caller


def _is_stale(used_at: datetime | None) -> bool:
    return used_at is None or used_at <= datetime.now(UTC) - USE_NOTED_EVERY
