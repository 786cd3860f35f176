"""The activity of an account, as its readers see it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from db.records.activity import ActivityEntry as Record
from db.records.activity import ActivityFilter as Wanted
from schema.context import Info
from schema.cursors import activity_cursor
from schema.fields import field
from schema.ids import IdKind, decode_id, encode_id
from schema.types.enums import ActivityType, GenerationKind, JobState
from schema.types.event import JobEvent
from schema.types.job import Job
from schema.types.story import Story


@strawberry.type(
    description="One entry of the activity of an account. It never changes, and none appears before it later."
)
class ActivityEntry:
    record: strawberry.Private[Record]
    account_id: strawberry.Private[UUID]

    @field("Pass it as `after` to `activity` or `jobActivity` to continue after this entry, on any server.")
    def cursor(self) -> str:
        return activity_cursor(self.account_id, self.record.position)

    @field("What it is about; more may be added.")
    def type(self) -> ActivityType:
        return self.record.type

    @field("When it happened. The order of the entries is that of the cursors, in which this may fall by moments.")
    def at(self) -> datetime:
        return self.record.at

    @field("The id of the job; null for an entry about something else.")
    def job_id(self) -> strawberry.ID | None:
        return _id(IdKind.JOB, self.record.job_id)

    @field("The id of the story; null for a job without one.")
    def story_id(self) -> strawberry.ID | None:
        return _id(IdKind.STORY, self.record.story_id)

    @field("The id of the session that made the request, or stands for its `onBehalfOf`; null if it is of no user.")
    def session_id(self) -> strawberry.ID | None:
        return _id(IdKind.SESSION, self.record.session_id)

    @field("The end user whose request it was, after a deletion by the pseudonym; null if it is of none.")
    def user_ref(self) -> str | None:
        return self.record.user_ref

    @field("The id of the webhook endpoint; null for an entry about something else.")
    def endpoint_id(self) -> strawberry.ID | None:
        return _id(IdKind.WEBHOOK_ENDPOINT, self.record.endpoint_id)

    @field("The kind of the job; null for an entry about a story.")
    def kind(self) -> GenerationKind | None:
        return self.record.kind

    @field("The state that the job was in after the event, or that the story ended in; null for one that began.")
    def state(self) -> JobState | None:
        return self.record.state

    @field(
        "The event, as in `Job.events`; null for an entry about a story, and once the history of the job is removed."
    )
    async def event(self, info: Info) -> JobEvent | None:
        if self.record.job_id is None or self.record.seq is None:
            return None
        found = await info.context.loaders.single_events.load((self.record.job_id, self.record.seq))
        return None if found is None else JobEvent.of(found, info.context.principal)

    @field("The job in its current state, which may be later than the event; null if there is none any more.")
    async def job(self, info: Info) -> Job | None:
        found = await info.context.loaders.jobs.load(self.record.job_id) if self.record.job_id else None
        return None if found is None else Job.of(found)

    @field("The story in its current state, which may be later than the entry; null if there is none any more.")
    async def story(self, info: Info) -> Story | None:
        found = await info.context.loaders.stories.load(self.record.story_id) if self.record.story_id else None
        return None if found is None else Story.of(found)


def _id(kind: IdKind, value: UUID | None) -> strawberry.ID | None:
    return None if value is None else strawberry.ID(encode_id(kind, value))


@strawberry.input(description="All given conditions must hold.")
class ActivityFilter:
    account: strawberry.ID | None = strawberry.field(
        default=None,
        description="The account to read; for support, who must give it: each account has its own sequence.",
    )
    user_ref: str | None = strawberry.field(default=None, description="Entries of this end user.")
    session_id: strawberry.ID | None = strawberry.field(default=None, description="Entries of this session.")
    story_id: strawberry.ID | None = strawberry.field(default=None, description="Entries of this story and its jobs.")
    types: list[ActivityType] | None = strawberry.field(default=None, description="Entries of one of these types.")
    kinds: list[GenerationKind] | None = strawberry.field(
        default=None, description="Events of jobs of one of these kinds; entries about stories are left out."
    )
    states: list[JobState] | None = strawberry.field(
        default=None, description="Events after which a job is in one of these states, and stories that ended in one."
    )

    def wanted(self) -> Wanted:
        """Return the filter of the read; raise MalformedId for an id of something else."""
        return Wanted(
            types=self.types or (),
            kinds=self.kinds or (),
            states=self.states or (),
            session_id=decode_id(self.session_id, IdKind.SESSION) if self.session_id else None,
            story_id=decode_id(self.story_id, IdKind.STORY) if self.story_id else None,
            user_ref=self.user_ref,
        )
