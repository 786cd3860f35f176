"""Progress: a snapshot, then every later event once and in order, then the end.

The same for a job, a story and a batch. Messages always follow the history: a subscriber that resumes with a cursor
gets every later event from the table, then the live ones from the hub, and sees no difference.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from db.records.events import JobEvent, events_at, events_since
from db.records.jobs import Job, jobs_by_id, jobs_of_batches, jobs_of_stories
from db.scope import Scope
from schema.context import Parts
from schema.cursors import (
    batch_cursor,
    job_cursor,
    read_batch_cursor,
    read_job_cursor,
    read_story_cursor,
    story_cursor,
)
from schema.errors import BAD_USER_INPUT, NOT_FOUND, ApiError
from schema.ids import IdKind
from schema.live.buffers import Delivery
from schema.live.ordering import in_order
from schema.live.standing import Standing, batch_percent, batch_state, deciding, items_of
from statemachine.vocabulary import State

_REPLAY_MAX = 500


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a subscription: a job, or a story or a batch with all of its jobs."""

    kind: IdKind
    id: UUID

    @property
    def story_id(self) -> UUID | None:
        """Return the id of the story, or None for a job."""
        return self.id if self.kind is IdKind.STORY else None

    @property
    def batch_id(self) -> UUID | None:
        """Return the id of the batch, or None for anything else."""
        return self.id if self.kind is IdKind.BATCH else None


@dataclass(frozen=True, slots=True)
class Progress:
    """One message to a subscriber; `event` is None on a snapshot."""

    job_id: UUID
    story_id: UUID | None
    batch_id: UUID | None
    state: State
    percent: int
    event: JobEvent | None
    is_final: bool
    skipped: int
    cursor: str

    @property
    def key(self) -> Hashable:
        """Return what identifies this message: its cursor covers everything sent so far, and its subject."""
        return (self.cursor, self.is_final, self.skipped)


class Followed:
    """The state of a subject's jobs, as far as its subscriber has seen it."""

    def __init__(self, subject: Subject, jobs: Sequence[Job], standings: Mapping[UUID, Standing]) -> None:
        self.subject = subject
        self._standings = {job.id: standings[job.id] for job in jobs}
        self._items = [[job.id for job in item] for item in items_of(jobs)]

    @property
    def seen(self) -> dict[UUID, int]:
        """Return the last sequence number that was sent of each job."""
        return {job_id: standing.seq for job_id, standing in self._standings.items()}

    @property
    def has_ended(self) -> bool:
        """Return whether the subscriber has seen the end of all jobs."""
        return all(standing.state.is_terminal for standing in self._standings.values())

    @property
    def cursor(self) -> str:
        """Return the cursor from which the subscriber resumes."""
        if self.subject.kind is IdKind.STORY:
            return story_cursor(self.subject.id, self.seen)
        if self.subject.kind is IdKind.BATCH:
            return batch_cursor(self.subject.id, self.seen.values())
        [(job_id, seq)] = self.seen.items()
        return job_cursor(job_id, seq)

    def snapshot(self) -> Progress:
        """Return the message with the current state."""
        current = deciding([at.state for at in self._standings.values()])
        return self._message(list(self._standings)[current], None, is_final=self.has_ended, skipped=0)

    def apply(self, delivery: Delivery) -> Progress:
        """Apply the next event and return its message."""
        event = delivery.event
        self._standings[event.job_id] = self._standings[event.job_id].after(event)
        return self._message(
            event.job_id, event, is_final=self.has_ended and not delivery.more, skipped=delivery.skipped
        )

    def _message(self, job_id: UUID, event: JobEvent | None, *, is_final: bool, skipped: int) -> Progress:
        items = [[self._standings[each] for each in item] for item in self._items]
        return Progress(
            job_id,
            self.subject.story_id,
            self.subject.batch_id,
            batch_state(items),
            batch_percent(items),
            event,
            is_final,
            skipped,
            self.cursor,
        )


async def follow(parts: Parts, scope: Scope, subject: Subject, after: str | None) -> AsyncGenerator[Progress, None]:
    """Yield the progress of a subject until all of its jobs have ended. Raises ApiError or MalformedCursor."""
    jobs = await jobs_of(parts, scope, subject)
    if after is None:
        followed = Followed(subject, jobs, {job.id: Standing.of(job) for job in jobs})
        yield followed.snapshot()
    else:
        followed = await _resumed(parts, subject, jobs, after)
        async with aclosing(_replayed(parts, followed)) as replayed:
            async for progress in replayed:
                yield progress
                if progress.is_final:
                    return
        if followed.has_ended:
            yield followed.snapshot()
    if not followed.has_ended:
        async with aclosing(_live(parts, followed)) as live:
            async for progress in live:
                yield progress


async def _live(parts: Parts, followed: Followed) -> AsyncGenerator[Progress, None]:
    limits = parts.settings.limits
    with parts.hub.subscribed(followed.seen, size=limits.buffer_size, size_max=limits.buffer_size_max) as buffer:
        while True:
            progress = followed.apply(await buffer.take())
            yield progress
            if progress.is_final:
                return


async def jobs_of(parts: Parts, scope: Scope, subject: Subject) -> Sequence[Job]:
    """Return the jobs of a subject in the order of their making; raise ApiError where the scope has none."""
    if subject.kind is IdKind.STORY:
        jobs = (await parts.database.read(jobs_of_stories, scope, [subject.id]))[subject.id]
    elif subject.kind is IdKind.BATCH:
        jobs = (await parts.database.read(jobs_of_batches, scope, [subject.id])).get(subject.id, [])
    else:
        jobs = list((await parts.database.read(jobs_by_id, scope, [subject.id])).values())
    if not jobs:
        raise ApiError(NOT_FOUND, f"The {subject.kind} does not exist.")
    return jobs


async def _resumed(parts: Parts, subject: Subject, jobs: Sequence[Job], after: str) -> Followed:
    """Return the subject as of a subscriber's cursor."""
    seen = _seen_by(subject, jobs, after)
    events = {event.job_id: event for event in await parts.database.read(events_at, seen)}
    if len(events) < len(jobs):
        raise ApiError(BAD_USER_INPUT, "The history of this cursor is no longer kept: subscribe without a cursor.")
    return Followed(subject, jobs, {job.id: Standing.of(job).after(events[job.id]) for job in jobs})


def _seen_by(subject: Subject, jobs: Sequence[Job], after: str) -> Mapping[UUID, int]:
    """Return the sequence numbers of a cursor; raise MalformedCursor or ApiError where it is not of this subject."""
    seen = _read_cursor(subject, jobs, after)
    if any(not 1 <= seen.get(job.id, 0) <= job.seq for job in jobs) or len(seen) != len(jobs):
        raise ApiError(
            BAD_USER_INPUT, "This cursor points beyond the history: pass cursors exactly as you received them."
        )
    return seen


def _read_cursor(subject: Subject, jobs: Sequence[Job], after: str) -> Mapping[UUID, int]:
    if subject.kind is IdKind.STORY:
        return read_story_cursor(after, subject.id)
    if subject.kind is IdKind.BATCH:
        seqs = read_batch_cursor(after, subject.id)
        return dict(zip([job.id for job in jobs], seqs, strict=True)) if len(seqs) == len(jobs) else {}
    return {subject.id: read_job_cursor(after, subject.id)}


async def _replayed(parts: Parts, followed: Followed) -> AsyncGenerator[Progress, None]:
    """Yield the events after those already sent, until the history has no more."""
    while True:
        rows = await parts.database.read(events_since, followed.seen, limit=_REPLAY_MAX)
        events = in_order(rows, followed.seen)
        there_is_more = len(rows) >= _REPLAY_MAX
        for count, event in enumerate(events, 1):
            yield followed.apply(Delivery(event, skipped=0, more=count < len(events) or there_is_more))
        if not there_is_more:
            return
