"""Waiting for jobs to end: a mutation may respond when its work is done instead of at once."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

from db.scope import Scope
from jobs.errors import Invalid
from schema.context import Parts
from schema.live.buffers import FellBehind, ServerClosing
from schema.live.progress import Subject, follow

WAIT_SECONDS_MAX = 55


def check_wait(seconds: int) -> None:
    """Raise Invalid for a wait out of bounds: proxies time out on longer ones."""
    if not 0 <= seconds <= WAIT_SECONDS_MAX:
        raise Invalid(f"waitSeconds must be from 0 to {WAIT_SECONDS_MAX}.", "input", "waitSeconds")


async def wait_until_ended(parts: Parts, scope: Scope, subject: Subject, seconds: int) -> None:
    """Return when all jobs of a subject have ended, the wait is over, or the server is about to stop."""
    if seconds == 0:
        return
    with suppress(TimeoutError, ServerClosing, FellBehind):
        async with asyncio.timeout(seconds), aclosing(follow(parts, scope, subject, None)) as messages:
            async for _ in messages:
                pass
