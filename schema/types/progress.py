"""One message of the subscription."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.errors import NOT_FOUND, ApiError
from schema.estimates import job_ready_at, story_ready_at
from schema.fields import field
from schema.live.progress import Progress
from schema.types.batch import Batch, find_batch
from schema.types.enums import JobState
from schema.types.event import JobEvent
from schema.types.job import Job
from schema.types.story import Story


@strawberry.type(description="The progress of a job, a story or a batch.")
class GenerationProgress:
    # Fields are read from the record when they are requested: most messages are executed once for many subscribers.
    record: strawberry.Private[Progress]

    @field("The state of the job, the story or the batch you subscribed to.")
    def state(self) -> JobState:
        return self.record.state

    @field("The percent of the job, the story or the batch you subscribed to. Never decreases.")
    def percent(self) -> int:
        return self.record.percent

    @field("The event; null on a snapshot.")
    def event(self, info: Info) -> JobEvent | None:
        event = self.record.event
        return None if event is None else JobEvent.of(event, info.context.principal)

    @field("True for a snapshot of the current state instead of an event.")
    def is_snapshot(self) -> bool:
        return self.record.event is None

    @field("True on the last message: all jobs have ended.")
    def is_final(self) -> bool:
        return self.record.is_final

    @field("Progress events skipped before this one because you read slowly. Changes of state are never skipped.")
    def skipped(self) -> int:
        return self.record.skipped

    @field(
        "The expected time of success, from how long the models usually take; null for a batch, and without an "
        "estimate."
    )
    async def estimated_ready_at(self, info: Info) -> datetime | None:
        if self.record.batch_id is not None:
            return None
        if self.record.story_id is not None:
            return await story_ready_at(info.context, self.record.story_id)
        job = await info.context.loaders.jobs.load(self.record.job_id)
        return None if job is None else await job_ready_at(info.context, job)

    @field("Pass it as `after` to resume from here, on any server.")
    def cursor(self) -> str:
        return self.record.cursor

    @field("The job concerned, in its current state, which may be later than the event.")
    async def job(self, info: Info) -> Job:
        found = await info.context.loaders.jobs.load(self.record.job_id)
        if found is None:
            raise ApiError(NOT_FOUND, "The job no longer exists.")
        return Job.of(found)

    @field("The story you subscribed to, in its current state; null for anything else.")
    async def story(self, info: Info) -> Story | None:
        if self.record.story_id is None:
            return None
        found = await info.context.loaders.stories.load(self.record.story_id)
        return None if found is None else Story.of(found)

    @field("The batch you subscribed to, in its current state; null for anything else.")
    async def batch(self, info: Info) -> Batch | None:
        return None if self.record.batch_id is None else await find_batch(info, self.record.batch_id)
