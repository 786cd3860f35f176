"""Periodic check of the keys and tokens of open sockets, for all of them at once.

A request is refused at once when its key has been revoked, but a socket may ask for nothing after it was opened. A look
for each socket by itself would keep a process with thousands of them busy.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.records.credentials import roles_of_valid
from schema.database import Database

log = structlog.get_logger(__name__)

_CHECKED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Credential:
    """A key, token or ticket, and the role that it had when it opened a socket or a stream."""

    secret: str = field(repr=False)
    role: str


class Callers:
    """The keys and tokens of this process's open sockets and streams, with the callbacks for when they are lost."""

    def __init__(self, database: Database, *, check_every_s: float) -> None:
        self._database = database
        self._check_every_s = check_every_s
        self._callbacks: defaultdict[Credential, set[Callable[[], None]]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Check until `close`."""
        self._task = asyncio.create_task(self._keep_checking(), name="callers")

    async def close(self) -> None:
        """Stop checking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def add(self, given: Credential, lost: Callable[[], None]) -> None:
        """Call `lost` once the key or token has been revoked, has expired, or has another role."""
        self._callbacks[given].add(lost)

    def remove(self, given: Credential, lost: Callable[[], None]) -> None:
        """Remove a callback. Safe to repeat."""
        self._callbacks[given].discard(lost)
        if not self._callbacks[given]:
            del self._callbacks[given]

    async def _keep_checking(self) -> None:
        while True:
            await asyncio.sleep(self._check_every_s)
            try:
                await self._check()
            except (SQLAlchemyError, OSError) as error:
                log.warning("checking the keys of sockets failed and will be retried", reason=type(error).__name__)
            except Exception:
                log.exception("checking the keys of sockets failed and will be retried")

    async def _check(self) -> None:
        given = list(self._callbacks)
        for start in range(0, len(given), _CHECKED_AT_ONCE):
            some = given[start : start + _CHECKED_AT_ONCE]
            valid = await self._database.read(roles_of_valid, {each.secret for each in some})
            for each in some:
                if valid.get(each.secret) != each.role:
                    self._report(each)

    def _report(self, given: Credential) -> None:
        for lost in self._callbacks.pop(given, ()):
            lost()
