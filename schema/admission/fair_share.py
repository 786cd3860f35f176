"""Share out a limited number of places among accounts, so that none of them can block the others."""

from __future__ import annotations

import asyncio
import os
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from schema.errors import UNAVAILABLE, ApiError


@dataclass(slots=True)
class FairShare:
    """At most `places` blocks run at a time, at most `per_account` of one account; the accounts take turns.

    With fewer places for one account than in all, an account that fills its own leaves one for the next. Each account
    may also have `waiting_max` blocks waiting; a further one is refused. Belongs to one event loop.
    """

    places: int
    per_account: int
    waiting_max: int = 50
    _running: Counter[UUID] = field(default_factory=Counter)
    _waiting: OrderedDict[UUID, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)

    @asynccontextmanager
    async def place(self, account_id: UUID) -> AsyncIterator[None]:
        """Wait for a place, and keep it for the block. Raises ApiError if too many of the account wait already."""
        await self._take(account_id)
        try:
            yield
        finally:
            self._give_back(account_id)

    async def _take(self, account_id: UUID) -> None:
        if self._has_place(account_id):
            self._running[account_id] += 1
            return
        queue = self._waiting.setdefault(account_id, deque())
        if len(queue) >= self.waiting_max:
            raise ApiError(UNAVAILABLE, "Too many of your uploads wait to be checked. Try again later.", retryable=True)
        ready = asyncio.get_running_loop().create_future()
        queue.append(ready)
        try:
            await ready
        except asyncio.CancelledError:
            self._leave(account_id, ready)
            raise

    def _leave(self, account_id: UUID, ready: asyncio.Future[None]) -> None:
        """Withdraw a waiter; one that has got its place in the same moment passes it on."""
        if ready.done() and not ready.cancelled():
            self._give_back(account_id)
        else:
            self._dequeue(account_id, ready)

    def _has_place(self, account_id: UUID) -> bool:
        return self._running.total() < self.places and self._running[account_id] < self.per_account

    def _give_back(self, account_id: UUID) -> None:
        self._running[account_id] -= 1
        if not self._running[account_id]:
            del self._running[account_id]
        next_id = next((each for each in self._waiting if self._has_place(each)), None)
        if next_id is not None:
            ready = self._waiting[next_id][0]
            self._dequeue(next_id, ready)
            self._running[next_id] += 1
            ready.set_result(None)

    def _dequeue(self, account_id: UUID, ready: asyncio.Future[None]) -> None:
        """Remove a waiter, and put its account behind the others."""
        queue = self._waiting.pop(account_id)
        queue.remove(ready)
        if queue:
            self._waiting[account_id] = queue


def upload_checks() -> FairShare:
    """Return the places for checks of uploads, each of which is a child process that computes.

    One account can keep every processor busy, and as many checks of others run beside its own.
    """
    per_account = min(os.cpu_count() or 1, 4)
    return FairShare(places=2 * per_account, per_account=per_account)
