"""Share out a limited number of places among owners, so that none of them can block the others."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from schema.errors import UNAVAILABLE, ApiError


@dataclass(slots=True)
class FairShare:
    """At most `places` blocks run at a time, at most `per_owner` of one owner; the owners take turns.

    With fewer places for one owner than in all, an owner that fills its own leaves one for the next. Each owner may
    also have `waiting_max` blocks waiting; a further one is refused. Belongs to one event loop.
    """

    places: int
    per_owner: int
    waiting_max: int = 50
    refusal: str = "Too many of your uploads wait to be checked. Try again later."
    _running: Counter[UUID] = field(default_factory=Counter)
    _waiting: OrderedDict[UUID, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)

    @asynccontextmanager
    async def place(self, owner_id: UUID) -> AsyncIterator[None]:
        """Wait for a place, and keep it for the block. Raises ApiError if too many of the owner wait already."""
        await self._take(owner_id)
        try:
            yield
        finally:
            self._give_back(owner_id)

    async def _take(self, owner_id: UUID) -> None:
        if self._has_place(owner_id):
            self._running[owner_id] += 1
            return
        queue = self._waiting.setdefault(owner_id, deque())
        if len(queue) >= self.waiting_max:
            raise ApiError(UNAVAILABLE, self.refusal, retryable=True)
        ready = asyncio.get_running_loop().create_future()
        queue.append(ready)
        try:
            await ready
        except asyncio.CancelledError:
            self._leave(owner_id, ready)
            raise

    def _leave(self, owner_id: UUID, ready: asyncio.Future[None]) -> None:
        """Withdraw a waiter; one that has got its place in the same moment passes it on."""
        if ready.done() and not ready.cancelled():
            self._give_back(owner_id)
        else:
            self._dequeue(owner_id, ready)

    def _has_place(self, owner_id: UUID) -> bool:
        return self._running.total() < self.places and self._running[owner_id] < self.per_owner

    def _give_back(self, owner_id: UUID) -> None:
        self._running[owner_id] -= 1
        if not self._running[owner_id]:
            del self._running[owner_id]
        next_id = next((each for each in self._waiting if self._has_place(each)), None)
        if next_id is not None:
            ready = self._waiting[next_id][0]
            self._dequeue(next_id, ready)
            self._running[next_id] += 1
            ready.set_result(None)

    def _dequeue(self, owner_id: UUID, ready: asyncio.Future[None]) -> None:
        """Remove a waiter, and put its owner behind the others."""
        queue = self._waiting.pop(owner_id)
        queue.remove(ready)
        if queue:
            self._waiting[owner_id] = queue
