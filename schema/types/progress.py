"""One message of the subscription."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.errors import NOT_FOUND, ApiError
from schema.estimates import job_ready_at, story_ready_at
from schema.fields import field
from schema.live.progress import Progress
from schema.types.enums import JobState
from schema.types.event import JobEvent
from schema.types.job import Job
from schema.types.story import Story


@strawberry.type(description="Where a job or a story stands, and what happened.")
class GenerationProgress:
    # Fields are read from the record when they are asked for: most messages are executed once for many subscribers.
    record: strawberry.Private[Progress]

    @field("Of what is followed: the story, or the job.")
    def state(self) -> JobState:
        return self.record.state

    @field("Of what is followed: the story, or the job. Never falls.")
    def percent(self) -> int:
        return self.record.percent

    @field("What happened; null on a snapshot.")
    def event(self, info: Info) -> JobEvent | None:
        event = self.record.event
        return None if event is None else JobEvent.of(event, support=info.context.principal.is_support)

    @field("Whether this is how things stand instead of what happened.")
    def is_snapshot(self) -> bool:
        return self.record.event is None

    @field("Nothing follows: all jobs have ended.")
    def is_final(self) -> bool:
        return self.record.is_final

    @field("Progress ticks left out before this because you read slowly. Changes of state never are.")
    def skipped(self) -> int:
        return self.record.skipped

    @field("When what is followed will have succeeded, as its models usually have it; null where nothing can be said.")
    async def estimated_ready_at(self, info: Info) -> datetime | None:
        if self.record.story_id is not None:
            return await story_ready_at(info.context, self.record.story_id)
        job = await info.context.loaders.jobs.load(self.record.job_id)
        return None if job is None else await job_ready_at(info.context, job)

    @field("Give it as `after` to go on from here, on any server.")
    def cursor(self) -> str:
        return self.record.cursor

    @field("The job it is about as it stands now, which may be later than the event.")
    async def job(self, info: Info) -> Job:
        found = await info.context.loaders.jobs.load(self.record.job_id)
        if found is None:
            raise ApiError(NOT_FOUND, "The job is no longer there.")
        return Job.of(found)

    @field("The story that is followed, as it stands now; null where a job is.")
    async def story(self, info: Info) -> Story | None:
        if self.record.story_id is None:
            return None
        found = await info.context.loaders.stories.load(self.record.story_id)
        return None if found is None else Story.of(found)
