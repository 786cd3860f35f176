"""The history of a job, or of all jobs of a story, as a stream that closes when all of them have ended."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from db.records.accounts import sessions_in_scope
from db.records.events import events_at, events_since
from db.records.jobs import Job
from jobs.identity import Principal
from schema.context import Parts
from schema.ids import IdKind
from schema.live.buffers import Delivery, SubscriberBuffer
from schema.live.ordering import in_order
from schema.live.progress import Followed, Progress, Subject, jobs_of
from schema.live.standing import Standing
from schema.scalars import write_time
from schema.streams.messages import public, shown_event
from schema.streams.offsets import MalformedOffset, OffsetPurged, read_seen, seen_offset
from schema.streams.stream import BATCH_MAX, Batch
from statemachine.vocabulary import ActivityType


class _Reading:
    """The jobs of a subject, and how far their reader has come."""

    def __init__(
        self, reader: Principal, subject: Subject, jobs: Sequence[Job], at: Followed, user_ref: str | None
    ) -> None:
        self.at = at
        self._reader = reader
        self._jobs = {job.id: job for job in jobs}
        self._user_ref = user_ref
        self._subject = subject

    @property
    def has_gap(self) -> bool:
        """Return whether something is missing of what had happened when the jobs were read: it was purged."""
        return any(self.at.seen[job.id] < job.seq for job in self._jobs.values())

    def batch(self, deliveries: Sequence[Delivery], *, up_to_date: bool) -> Batch:
        """Move on by some events, and return their messages."""
        messages = [self._message(self.at.apply(each)) for each in deliveries]
        closed = up_to_date and self.at.has_ended
        return Batch(messages, seen_offset(list(self.at.seen.values())), up_to_date, closed)

    def _message(self, progress: Progress) -> dict[str, Any]:
        job, event = self._jobs[progress.job_id], progress.event
        assert event is not None  # only snapshots are without one
        return {
            "type": ActivityType.JOB_EVENT.name,
            "cursor": progress.cursor,
            "at": write_time(event.at),
            "jobId": public(IdKind.JOB, job.id),
            "storyId": public(IdKind.STORY, job.story_id),
            "sessionId": public(IdKind.SESSION, job.session_id),
            "userRef": self._user_ref,
            "endpointId": None,
            "kind": job.kind.name,
            "state": event.to_state.name,
            "event": shown_event(event, self._reader),
            "progress": {"state": progress.state.name, "percent": progress.percent},
        }


@dataclass(frozen=True, slots=True)
class JobStream:
    """The events of a job or a story."""

    parts: Parts
    reader: Principal
    subject: Subject

    async def tail(self) -> Batch:
        """Return the end of the history as it is now."""
        jobs = await self._jobs()
        closed = all(job.state.is_terminal for job in jobs)
        return Batch([], seen_offset([job.seq for job in jobs]), up_to_date=True, closed=closed)

    async def read(self, offset: str) -> Batch:
        """Return the events after an offset."""
        return await self._next(await self._begun(offset))

    async def follow(self, offset: str) -> AsyncGenerator[Batch, None]:
        """Yield the events after an offset until all jobs have ended, or the reader has fallen behind."""
        reading = await self._begun(offset)
        while True:
            batch = await self._next(reading)
            yield batch
            if batch.closed:
                return
            if batch.up_to_date:
                break
        async for batch in self._live(reading):
            yield batch

    async def _live(self, reading: _Reading) -> AsyncGenerator[Batch, None]:
        most = self.parts.settings.limits.buffer_size_max
        # As large as it may be: each event is a message, so none may replace another.
        with self.parts.hub.subscribed(reading.at.seen, size=most, size_max=most) as buffer:
            while True:
                deliveries = await _all_of(buffer)
                if any(each.skipped for each in deliveries):
                    return
                batch = reading.batch(deliveries, up_to_date=True)
                yield batch
                if batch.closed:
                    return

    async def _begun(self, offset: str) -> _Reading:
        jobs = await self._jobs()
        seen = dict(zip((job.id for job in jobs), read_seen(offset, len(jobs)), strict=True))
        if any(seen[job.id] > job.seq for job in jobs):
            raise MalformedOffset
        begun = {job_id: seq for job_id, seq in seen.items() if seq}
        events = await self.parts.database.read(events_at, begun) if begun else []
        standings = {job.id: Standing.unborn(job) for job in jobs}
        # A job whose event is no longer kept counts as unborn: what follows then has a gap.
        standings |= {event.job_id: standings[event.job_id].after(event) for event in events}
        at = Followed(self.subject, jobs, standings)
        return _Reading(self.reader, self.subject, jobs, at, await self._user_ref(jobs[0]))

    async def _next(self, reading: _Reading) -> Batch:
        seen = reading.at.seen
        rows = await self.parts.database.read(events_since, seen, limit=BATCH_MAX)
        events = in_order(rows, seen)
        there_is_more = len(rows) >= BATCH_MAX
        last = len(events) - 1
        batch = reading.batch(
            [Delivery(event, skipped=0, more=index < last) for index, event in enumerate(events)],
            up_to_date=not there_is_more,
        )
        if (rows and not events) or (batch.up_to_date and reading.has_gap):
            raise OffsetPurged
        return batch

    async def _jobs(self) -> Sequence[Job]:
        return await jobs_of(self.parts, self.reader.scope, self.subject)

    async def _user_ref(self, job: Job) -> str | None:
        """Return the end user whose session made the request; None if an API key did."""
        if job.session_id is None:
            return None
        found = await self.parts.database.read(sessions_in_scope, self.reader.scope, [job.session_id])
        return found[job.session_id].user_ref if job.session_id in found else None


async def _all_of(buffer: SubscriberBuffer) -> list[Delivery]:
    """Wait for the next event, and return it with all that wait behind it."""
    deliveries = [await buffer.take()]
    while deliveries[-1].more:
        deliveries.append(await buffer.take())
    return deliveries
