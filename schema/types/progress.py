"""One message of the subscription."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.errors import NOT_FOUND, ApiError
from schema.fields import field
from schema.progress import Progress
from schema.types.enums import JobState
from schema.types.event import JobEvent
from schema.types.job import Job
from schema.types.story import Story


@strawberry.type(description="Where a job or a story stands, and what happened.")
class GenerationProgress:
    record: strawberry.Private[Progress]
    state: JobState = strawberry.field(description="Of what is followed: the story, or the job.")
    percent: int = strawberry.field(description="Of what is followed: the story, or the job. Never falls.")
    event: JobEvent | None = strawberry.field(description="What happened; null on a snapshot.")
    is_snapshot: bool
    is_final: bool = strawberry.field(description="Nothing follows: all jobs have ended.")
    skipped: int = strawberry.field(
        description="Progress ticks left out before this because you read slowly. Changes of state never are."
    )
    estimated_ready_at: datetime | None
    cursor: str = strawberry.field(description="Give it as `after` to go on from here, on any server.")

    @classmethod
    def of(cls, record: Progress, *, support: bool) -> GenerationProgress:
        """Return the message of a record."""
        return cls(
            record=record,
            state=record.state,
            percent=record.percent,
            event=None if record.event is None else JobEvent.of(record.event, support=support),
            is_snapshot=record.event is None,
            is_final=record.is_final,
            skipped=record.skipped,
            estimated_ready_at=None,
            cursor=record.cursor,
        )

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
