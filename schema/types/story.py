"""Stories: a selfie, an avatar, its scenes and their animations as one request."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import strawberry

from db.records.jobs import Job as JobRecord
from db.records.stories import Story as StoryRecord
from jobs.requesting.requests import STORY_JOBS_MAX
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
from statemachine.relatives import root_causes
from statemachine.vocabulary import Kind

# The avatar, and at least one scene for each animation.
_SCENES_MAX, _ANIMATIONS_MAX = STORY_JOBS_MAX - 1, STORY_JOBS_MAX - 2


@strawberry.type(
    description="An avatar, scenes with it and animations of these, made from one selfie in one request. What is "
    "requested later, from one of its jobs, is not part of it: see `Job.children`."
)
class Story(Node):
    record: strawberry.Private[StoryRecord]
    created_at: datetime = strawberry.field(description="When it was requested.")

    @classmethod
    def of(cls, record: StoryRecord) -> Story:
        """Return the story of a record."""
        return cls(id=strawberry.ID(encode_id(IdKind.STORY, record.id)), record=record, created_at=record.created_at)

    @field(
        "The state of its first job that goes on; once all have ended, of the first that failed or was canceled, or "
        "SUCCEEDED."
    )
    async def state(self, info: Info) -> JobState:
        return story_state([Standing.of(job) for job in await self._jobs(info)])

    @field("0 to 100, weighted by how long its jobs take; never decreases.")
    async def percent(self, info: Info) -> int:
        return story_percent([Standing.of(job) for job in await self._jobs(info)])

    @field(
        "Why something in it failed or was canceled: the error that those of its other jobs follow from, of several "
        "one that a retry may help with; null while all of it may succeed. Other scenes may still go on."
    )
    async def error(self, info: Info) -> JobError | None:
        support = info.context.principal.is_support
        errors = [error_shown(job, support=support) for job in await self._jobs(info)]
        places = root_causes([None if error is None else error.code for error in errors])
        return errors[places[0]] if places else None

    @field("The metadata of the request; null if it had none.")
    async def metadata(self, info: Info) -> JSON | None:
        return next((cast("JSON | None", job.metadata) for job in await self._jobs(info)), None)

    @field("The theme of its first scene; null if it is no longer offered, and once the scene was removed.")
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

    @field("The job that makes its first scene; null if it was removed.")
    async def scene(self, info: Info) -> Job | None:
        return await self._job(info, Kind.SCENE)

    @field("The job that makes its first video; null for a story without one.")
    async def animation(self, info: Info) -> Job | None:
        return await self._job(info, Kind.ANIMATION)

    @field("The jobs that make its scenes, in the order of the request.", rows=_SCENES_MAX)
    async def scenes(self, info: Info) -> list[Job]:
        return [Job.of(job) for job in await self._jobs(info) if job.kind is Kind.SCENE]

    @field(
        "The jobs that make its videos, scene by scene in the order of the request; `Job.parent` is the scene.",
        rows=_ANIMATIONS_MAX,
    )
    async def animations(self, info: Info) -> list[Job]:
        return [Job.of(job) for job in await self._jobs(info) if job.kind is Kind.ANIMATION]

    @field("All of its jobs: the avatar, then each scene followed by its videos.", rows=STORY_JOBS_MAX)
    async def jobs(self, info: Info) -> list[Job]:
        return [Job.of(job) for job in await self._jobs(info)]

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
