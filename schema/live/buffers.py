"""Subscriber buffers: the events that wait for one subscriber, bounded however slowly it reads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from db.records.events import JobEvent
from schema.errors import UNAVAILABLE, ApiError
from statemachine.vocabulary import Event


class FellBehind(ApiError):
    """The subscriber reads so slowly that even the changes of state do not fit into its buffer."""

    def __init__(self) -> None:
        super().__init__(
            "SUBSCRIBER_TOO_SLOW", "You are reading too slowly. Subscribe again with your last cursor.", retryable=True
        )


class ServerClosing(ApiError):
    """The server is stopping; any other can resume from the subscriber's last cursor."""

    def __init__(self) -> None:
        super().__init__(
            "SERVER_CLOSING", "The server is restarting. Subscribe again with your last cursor.", retryable=True
        )


class HistoryUnreadable(ApiError):
    """The history contains an event that this version does not know: a newer version is being deployed."""

    def __init__(self) -> None:
        super().__init__(
            UNAVAILABLE, "The service is being updated. Subscribe again with your last cursor.", retryable=True
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event, how many progress ticks were conflated before it, and whether more are waiting already."""

    event: JobEvent
    skipped: int
    more: bool


class SubscriberBuffer:
    """Holds the events of some jobs until their subscriber takes them.

    Beyond `size` waiting events, a progress tick that a later event of its job supersedes is dropped and counted. A
    change of state is never dropped: a subscriber that lets `size_max` of them pile up is sent away.
    """

    def __init__(self, seen: Mapping[UUID, int], size: int, size_max: int) -> None:
        self.seen = dict(seen)
        self._size = size
        self._size_max = size_max
        self._waiting: deque[JobEvent] = deque()
        self._skipped = 0
        self._ended: ApiError | None = None
        self._filled = asyncio.Event()

    def add(self, event: JobEvent) -> None:
        """Add an event unless it was seen, or would leave a gap: then the next read of the history brings both."""
        if event.seq != self.seen[event.job_id] + 1 or self._ended:
            return
        self.seen[event.job_id] = event.seq
        self._waiting.append(event)
        if len(self._waiting) > self._size:
            self._conflate()
        if len(self._waiting) > self._size_max:
            self.end(FellBehind())
        self._filled.set()

    def end(self, reason: ApiError) -> None:
        """Deliver what is waiting, and then raise this error."""
        self._ended = self._ended or reason
        self._filled.set()

    async def take(self) -> Delivery:
        """Wait for the next event; raise the error that ended the buffer once nothing is left."""
        while not self._waiting:
            if self._ended:
                raise self._ended
            self._filled.clear()
            await self._filled.wait()
        event = self._waiting.popleft()
        skipped, self._skipped = self._skipped, 0
        return Delivery(event, skipped, more=bool(self._waiting))

    def _conflate(self) -> None:
        last_of = {event.job_id: event.seq for event in self._waiting}
        for index, event in enumerate(self._waiting):
            if _is_tick(event) and event.seq < last_of[event.job_id]:
                del self._waiting[index]
                self._skipped += 1
                return


def _is_tick(event: JobEvent) -> bool:
    """Return whether an event only reports progress. A requested cancel changes no state, but is not a tick."""
    return event.from_state is event.to_state and event.event is not Event.CANCEL_REQUESTED
