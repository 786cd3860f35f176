"""Waking the readers of an account's activity: no entries wait in memory, because each reader reads the table."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from uuid import UUID

from jobs.engine.hints import hinted_ids
from schema.live.buffers import ServerClosing


class Wake:
    """Says when to read again. A reader that is still busy when it is woken reads again at once."""

    def __init__(self) -> None:
        self._due = asyncio.Event()
        self._closing = False

    def set(self, *, closing: bool = False) -> None:
        """Wake the reader, or send it away."""
        self._closing = self._closing or closing
        self._due.set()

    async def wait(self, within_s: float) -> None:
        """Return once something may be new, or after `within_s`; raise ServerClosing when the server stops."""
        if not self._closing:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), within_s)
        if self._closing:
            raise ServerClosing
        self._due.clear()


class AccountWakes:
    """The wake-ups of a process, by account."""

    def __init__(self) -> None:
        self._wakes: defaultdict[UUID, set[Wake]] = defaultdict(set)
        self._closing = False

    @contextmanager
    def of(self, account_id: UUID) -> Iterator[Wake]:
        """Yield the wake-ups of one reader of an account."""
        wake = Wake()
        if self._closing:
            wake.set(closing=True)
        self._wakes[account_id].add(wake)
        try:
            yield wake
        finally:
            self._wakes[account_id].discard(wake)
            if not self._wakes[account_id]:
                del self._wakes[account_id]

    def hear(self, payload: str) -> None:
        """Take a notification: the ids of accounts in hexadecimal, or `*` for all."""
        named = hinted_ids(payload)
        self._wake(set(self._wakes) if named is None else named)

    def close(self) -> None:
        """Send every reader away, those too that come later."""
        self._closing = True
        self._wake(set(self._wakes), closing=True)

    def _wake(self, account_ids: AbstractSet[UUID], *, closing: bool = False) -> None:
        for account_id in account_ids & self._wakes.keys():
            for wake in self._wakes[account_id]:
                wake.set(closing=closing)
