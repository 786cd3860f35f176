"""Stories: a selfie, an avatar, a scene and an animation as one request."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import strawberry

from db.records.jobs import Job as JobRecord
from db.records.stories import Story as StoryRecord
from schema.context import Info
from schema.cursors import story_cursor
from schema.fields import field
from schema.ids import IdKind, encode_id
from schema.live.standing import Standing, story_percent, story_state
from schema.scalars import JSON
from schema.types.asset import Asset
from schema.types.enums import JobState
from schema.types.errors import JobError
from schema.types.job import Job, error_shown
from schema.types.node import Node
from schema.types.theme import Theme
from statemachine.relatives import root_cause
from statemachine.vocabulary import Kind


@strawberry.type(description="An avatar, a scene and an animation made from one selfie in one request.")
class Story(Node):
    record: strawberry.Private[StoryRecord]
    created_at: datetime = strawberry.field(description="When it was requested.")

    @classmethod
    def of(cls, record: StoryRecord) -> Story:
        """Return the story of a record."""
        return cls(id=strawberry.ID(encode_id(IdKind.STORY, record.id)), record=record, created_at=record.created_at)

    @field("The state of its first job that has not succeeded; SUCCEEDED once all have.")
    async def state(self, info: Info) -> JobState:
        return story_state([Standing.of(job) for job in await self._jobs(info)])

    @field("0 to 100, weighted by how long its jobs take; never decreases.")
    async def percent(self, info: Info) -> int:
        return story_percent([Standing.of(job) for job in await self._jobs(info)])

    @field(
        "Why it failed or was canceled: the error that those of its other jobs follow from; null while it may succeed."
    )
    async def error(self, info: Info) -> JobError | None:
        support = info.context.principal.is_support
        errors = [error_shown(job, support=support) for job in await self._jobs(info)]
        place = root_cause([None if error is None else error.code for error in errors])
        return None if place is None else errors[place]

    @field("The metadata of the request; null if it had none.")
    async def metadata(self, info: Info) -> JSON | None:
        return next((cast("JSON | None", job.metadata) for job in await self._jobs(info)), None)

    @field("The theme of its scene; null if it is no longer offered, and once the scene was removed.")
    async def theme(self, info: Info) -> Theme | None:
        key = next((job.theme for job in await self._jobs(info) if job.theme is not None), "")
        found = info.context.catalogue.themes.get(key)
        return None if found is None else Theme.of(found)

    @field("The picture that it starts from; null if it was removed.")
    async def selfie(self, info: Info) -> Asset | None:
        found = await info.context.loaders.assets.load(self.record.selfie_id)
        return None if found is None else Asset.of(found)

    @field("The job that makes the avatar; null if it was removed.")
    async def avatar(self, info: Info) -> Job | None:
        return await self._job(info, Kind.AVATAR)

    @field("The job that makes the scene; null if it was removed.")
    async def scene(self, info: Info) -> Job | None:
        return await self._job(info, Kind.SCENE)

    @field("The job that makes the video; null for a story that stops at the scene.")
    async def animation(self, info: Info) -> Job | None:
        return await self._job(info, Kind.ANIMATION)

    @field("When the last of its jobs ended; null until then.")
    async def finished_at(self, info: Info) -> datetime | None:
        ends = [job.finished_at for job in await self._jobs(info)]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None

    @field("Pass it to `generationProgress(storyId:, after:)` to resume from here.")
    async def cursor(self, info: Info) -> str:
        return story_cursor(self.record.id, {job.id: job.seq for job in await self._jobs(info)})

    async def _jobs(self, info: Info) -> list[JobRecord]:
        return await info.context.loaders.story_jobs.load(self.record.id) or []

    async def _job(self, info: Info, kind: Kind) -> Job | None:
        return next((Job.of(job) for job in await self._jobs(info) if job.kind is kind), None)
