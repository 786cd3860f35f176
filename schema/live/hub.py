"""The event hub: each process reads every event once, however many subscribers it has.

A notification is only a hint: it says which jobs to read, and the history says what happened. So a lost notification
costs the time until the next slow poll, and one statement reads the new events of all awakened jobs.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import product
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.connection import LISTENING
from db.engine.notify import ACTIVITY_CHANNEL
from db.records.events import JobEvent, UnreadableEvent, events_since
from jobs.engine.hints import EVENTS_CHANNEL, EVERYTHING, hinted_ids
from schema.database import Database
from schema.live.account_wakes import AccountWakes
from schema.live.buffers import HistoryUnreadable, ServerClosing, SubscriberBuffer
from schema.live.ordering import in_order

log = structlog.get_logger(__name__)

_READ_MAX = 2_000
_RECONNECT_AFTER_S = 0.25

# The database is away for a moment: the same again later works.
_TRANSIENT = (SQLAlchemyError, OSError)


class EventHub:
    """Carries the events of the followed jobs from the database to the buffers of their subscribers."""

    def __init__(self, engine: AsyncEngine, database: Database, *, poll_every_s: float) -> None:
        self._address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._database = database
        self._poll_every_s = poll_every_s
        self._buffers: defaultdict[UUID, set[SubscriberBuffer]] = defaultdict(set)
        self.accounts = AccountWakes()
        self._awake: set[UUID] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    def start(self) -> None:
        """Listen and deliver until `close`."""
        self._tasks = [
            asyncio.create_task(self._listen(), name="hub-listen"),
            asyncio.create_task(self._deliver(), name="hub-deliver"),
        ]

    @property
    def is_running(self) -> bool:
        """Return whether it listens and delivers; otherwise every subscriber would wait forever."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    @property
    def followed(self) -> int:
        """Return the number of jobs that have subscribers."""
        return len(self._buffers)

    async def close(self) -> None:
        """End every buffer with an error that sends subscribers to another server, and stop."""
        self._closing = True
        self.accounts.close()
        for buffers in list(self._buffers.values()):
            for buffer in buffers:
                buffer.end(ServerClosing())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def subscribed(self, seen: Mapping[UUID, int], *, size: int, size_max: int) -> Iterator[SubscriberBuffer]:
        """Yield a buffer that gets every event of these jobs after the sequence numbers `seen`.

        What was committed between the reading of `seen` and now is not lost: the jobs are looked at once more.
        """
        buffer = SubscriberBuffer(seen, size, size_max)
        if self._closing:
            buffer.end(ServerClosing())
        for job_id in buffer.seen:
            self._buffers[job_id].add(buffer)
        self._awaken(buffer.seen)
        try:
            yield buffer
        finally:
            self._remove(buffer)

    def _remove(self, buffer: SubscriberBuffer) -> None:
        """Remove a buffer. Safe to repeat."""
        for job_id in buffer.seen:
            self._buffers[job_id].discard(buffer)
            if not self._buffers[job_id]:
                del self._buffers[job_id]

    def _awaken(self, job_ids: Iterable[UUID]) -> None:
        followed = self._buffers.keys() & job_ids
        if followed:
            self._awake |= followed
            self._wake.set()

    def hear(self, payload: str) -> None:
        """Take a notification: the ids of jobs in hexadecimal, or `*` for all."""
        named = hinted_ids(payload)
        self._awaken(set(self._buffers) if named is None else named)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (psycopg.Error, OSError) as error:
                log.info("listening was interrupted", reason=type(error).__name__)
            except Exception:
                log.exception("listening failed and will be restarted")
            await asyncio.sleep(_RECONNECT_AFTER_S)

    async def _listen_once(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._address, application_name="diorama-api-listener", **LISTENING
        )
        async with connection:
            await connection.execute(f"LISTEN {ACTIVITY_CHANNEL}")
            await connection.execute(f"LISTEN {EVENTS_CHANNEL}")
            # Notifications may have been missed while not listening: check everything.
            self.hear(EVERYTHING)
            self.accounts.hear(EVERYTHING)
            async for notification in connection.notifies():
                hear = self.hear if notification.channel == EVENTS_CHANNEL else self.accounts.hear
                hear(notification.payload)

    async def _deliver(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._poll_every_s)
            awake, self._awake = self._awake or set(self._buffers), set()
            self._wake.clear()
            try:
                await self._deliver_safely(awake)
            except _TRANSIENT as error:
                log.warning("reading the history failed and will be retried", reason=type(error).__name__)
                self._awake |= awake
                await asyncio.sleep(self._poll_every_s)
            except Exception:
                # Nothing would start this task again, and the slow poll reads everything in a moment.
                log.exception("delivering failed and will be retried")
                await asyncio.sleep(self._poll_every_s)

    async def _deliver_safely(self, awake: set[UUID]) -> None:
        while True:
            try:
                return await self._deliver_news(awake)
            except _TRANSIENT:
                raise
            except UnreadableEvent as error:
                # Only its job's subscribers go, and so fewer are left each time; apart it would be a statement each.
                log.warning("subscribers of an unreadable history were disconnected", reason=str(error))
                self._send_away(set(self._buffers.get(error.job_id, ())))
            except Exception:  # noqa: BLE001 - logged with the subscribers it concerns
                return await self._deliver_apart(awake)

    def _send_away(self, buffers: Iterable[SubscriberBuffer]) -> None:
        for buffer in buffers:
            buffer.end(HistoryUnreadable())
            self._remove(buffer)

    async def _deliver_news(self, awake: set[UUID]) -> None:
        for event in await self._news(self._behind(self._with_companions(awake))):
            for buffer in self._buffers.get(event.job_id, ()):
                buffer.add(event)

    async def _deliver_apart(self, awake: set[UUID]) -> None:
        """Deliver to those who follow the same jobs, group by group, and send away whose history cannot be read."""
        groups: defaultdict[frozenset[UUID], list[SubscriberBuffer]] = defaultdict(list)
        for buffer in self._buffers_of(awake):
            groups[frozenset(buffer.seen)].append(buffer)
        for job_ids, buffers in groups.items():
            await self._deliver_to(buffers, {each: min(buffer.seen[each] for buffer in buffers) for each in job_ids})

    async def _deliver_to(self, buffers: list[SubscriberBuffer], seen: dict[UUID, int]) -> None:
        try:
            news = await self._news(seen)
        except _TRANSIENT:
            raise
        except Exception:
            log.exception("subscribers of an unreadable history were disconnected", subscribers=len(buffers))
            self._send_away(buffers)
        else:
            for buffer, event in product(buffers, news):
                buffer.add(event)

    async def _news(self, seen: dict[UUID, int]) -> list[JobEvent]:
        """Return all that happened after `seen`, in order.

        All of them before any is delivered: what one transaction did to several jobs of a story is delivered together.
        """
        news: list[JobEvent] = []
        while seen:
            events = await self._database.read(events_since, seen, limit=_READ_MAX)
            fresh = in_order(events, seen)
            news += fresh
            if len(events) < _READ_MAX or not fresh:
                break
            seen = seen | {event.job_id: event.seq for event in fresh}
        return news

    def _with_companions(self, awake: set[UUID]) -> set[UUID]:
        """Return these jobs, and those that somebody follows together with one of them.

        Hints come job by job, but a move that ends one job of a story may roll back another: a subscriber that saw the
        end alone would take the story for ended.
        """
        return awake.union(*(buffer.seen for buffer in self._buffers_of(awake) if len(buffer.seen) > 1))

    def _buffers_of(self, job_ids: set[UUID]) -> set[SubscriberBuffer]:
        return {buffer for job_id in job_ids if job_id in self._buffers for buffer in self._buffers[job_id]}

    def _behind(self, job_ids: set[UUID]) -> dict[UUID, int]:
        """Return, for each of the jobs that is still followed, how far the subscriber furthest behind has come."""
        return {
            each: min(buffer.seen[each] for buffer in self._buffers[each]) for each in job_ids if each in self._buffers
        }
