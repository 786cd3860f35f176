"""Jobs: one generation each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast

import strawberry

from db.paging import PAGE_MAX
from db.records.jobs import Children
from db.records.jobs import Job as JobRecord
from schema.context import Info
from schema.cursors import job_cursor, read_job_cursor
from schema.disclosure import of_provider
from schema.errors import BAD_USER_INPUT, ApiError
from schema.estimates import job_ready_at
from schema.fields import field, paged_field
from schema.ids import IdKind, decode_id, encode_id
from schema.paging import Connection, PageRequest
from schema.scalars import JSON, BigInt
from schema.types.account import Account, find_account
from schema.types.asset import Asset
from schema.types.attempt import ProviderAttempt
from schema.types.enums import GenerationKind, JobState
from schema.types.errors import JobError
from schema.types.event import JobEvent
from schema.types.job_credits import JobCredits
from schema.types.job_request import JobRequest
from schema.types.node import Node
from schema.types.theme import Theme
from schema.types.wait_reason import Surroundings, WaitReason
from statemachine.steps import STEP_OF
from statemachine.vocabulary import State

if TYPE_CHECKING:
    from schema.types.batch import Batch
    from schema.types.session import Session
    from schema.types.story import Story

_FIRST = strawberry.argument(description=f"The most jobs to return, 1 to {PAGE_MAX}.")
_AFTER = strawberry.argument(description="The id of the last job of the page before; null for the first page.")
# While a job is tried again its last failure is history, not its error.
_ERROR_SHOWN_IN = frozenset({State.COMPENSATING, State.FAILED, State.CANCELED})


def error_shown(job: JobRecord, *, support: bool) -> JobError | None:
    """Return why a job failed or was canceled, or None while it may still succeed."""
    if job.state not in _ERROR_SHOWN_IN:
        return None
    return JobError.of(job.error_code, job.error_message, job.error_detail, support=support)


@strawberry.type(description="One generation: an avatar, a scene or an animation.")
class Job(Node):
    record: strawberry.Private[JobRecord]
    kind: GenerationKind = strawberry.field(description="The kind of output that it makes.")
    state: JobState = strawberry.field(description="Its state now.")
    percent: int = strawberry.field(description="0 to 100; never decreases.")
    attempt: int = strawberry.field(description="The number of submissions to the provider so far.")
    priority: int = strawberry.field(description="The priority of the request, from -10 to 10.")
    is_test: bool = strawberry.field(description="True for a job of a test key, which a stand-in makes at no cost.")
    metadata: JSON | None = strawberry.field(description="The metadata of the request; null if it had none.")
    request_id: str | None = strawberry.field(
        description="The `X-Request-Id` under which it was accepted; null once the user's words were deleted."
    )
    created_at: datetime = strawberry.field(description="When it was requested.")
    started_at: datetime | None = strawberry.field(
        description="When it was first submitted to the provider; null until then."
    )
    finished_at: datetime | None = strawberry.field(
        description="When it ended; null until then, and again while it is retried."
    )
    cancel_requested_at: datetime | None = strawberry.field(
        description="When cancellation was requested; null without a cancel. A submission under way is awaited first."
    )
    cursor: str = strawberry.field(description="Pass it to `generationProgress(jobId:, after:)` to resume from here.")

    @classmethod
    def of(cls, record: JobRecord) -> Job:
        """Return the job of a record."""
        return cls(
            id=strawberry.ID(encode_id(IdKind.JOB, record.id)),
            record=record,
            kind=record.kind,
            state=record.state,
            percent=record.percent,
            attempt=record.attempt,
            priority=record.priority,
            is_test=record.is_test,
            metadata=cast("JSON | None", record.metadata),
            request_id=record.request_id,
            created_at=record.created_at,
            started_at=record.started_at,
            finished_at=record.finished_at,
            cancel_requested_at=record.cancel_requested_at,
            cursor=job_cursor(record.id, record.seq),
        )

    @field("The expected time of success, from how long the model usually takes; null without an estimate.")
    async def estimated_ready_at(self, info: Info) -> datetime | None:
        return await job_ready_at(info.context, self.record)

    @field("Why it failed or was canceled; null while it may still succeed.")
    def error(self, info: Info) -> JobError | None:
        return error_shown(self.record, support=info.context.principal.is_support)

    @field("Why it is waiting; null while it is being worked on, and once it has ended.")
    async def waiting_because(self, info: Info) -> WaitReason | None:
        step = STEP_OF.get(self.record.state)
        loaders = info.context.loaders
        pause = None if step is None else await loaders.pauses.load(step)
        is_at_limit = self.record.state is State.QUEUED and await loaders.limits.load(self.record.account_id)
        limits = await loaders.submissions.load(None) if self.record.state is State.QUEUED else None
        return WaitReason.of(self.record, Surroundings(pause, is_at_limit, limits))

    @field("What was requested: to show it, and to request the like again.")
    def request(self) -> JobRequest:
        return JobRequest.of(self.record)

    @field("Its price, and the credits that it holds, was charged and was refunded.")
    async def credits(self, info: Info) -> JobCredits:
        return JobCredits.of(self.record.credits, await info.context.loaders.credits.load(self.record.id))

    @field("The batch that it was requested with; null if it was requested alone.")
    async def batch(self, info: Info) -> Annotated[Batch, strawberry.lazy("schema.types.batch")] | None:
        from schema.types.batch import find_batch

        return None if self.record.batch_id is None else await find_batch(info, self.record.batch_id)

    @field("The story that it is part of; null for a single job.")
    async def story(self, info: Info) -> Annotated[Story, strawberry.lazy("schema.types.story")] | None:
        from schema.types.story import Story

        if self.record.story_id is None:
            return None
        found = await info.context.loaders.stories.load(self.record.story_id)
        return None if found is None else Story.of(found)

    @field("The job whose output it uses; null for an avatar, and for a job that starts from a stored picture.")
    async def parent(self, info: Info) -> Job | None:
        if self.record.parent_id is None:
            return None
        found = await info.context.loaders.jobs.load(self.record.parent_id)
        return None if found is None else Job.of(found)

    @field("The jobs made from its output, oldest first.")
    async def children(
        self, info: Info, first: Annotated[int, _FIRST] = 20, after: Annotated[strawberry.ID | None, _AFTER] = None
    ) -> list[Job]:
        if not 1 <= first <= PAGE_MAX:
            raise ApiError(BAD_USER_INPUT, f"first must be from 1 to {PAGE_MAX}.")
        wanted = Children(self.record.id, first, None if after is None else decode_id(after, IdKind.JOB))
        return [Job.of(child) for child in await info.context.loaders.children.load(wanted)]

    @field("The account that requested it, itself or in one of its sessions; null for a session.")
    async def account(self, info: Info) -> Account | None:
        return await find_account(info, self.record.account_id)

    @field("The session that requested it, or that stands for its `onBehalfOf`; null for requests for no user.")
    async def session(self, info: Info) -> Annotated[Session, strawberry.lazy("schema.types.session")] | None:
        from schema.types.session import Session

        if self.record.session_id is None:
            return None
        found = await info.context.loaders.sessions.load(self.record.session_id)
        return None if found is None else Session.of(found)

    @field("The theme of a scene; null for other kinds, and for a theme that is no longer offered.")
    def theme(self, info: Info) -> Theme | None:
        found = info.context.catalogue.themes.get(self.record.theme or "")
        return None if found is None else Theme.of(found)

    @field("Its result; null until it has succeeded.")
    async def output(self, info: Info) -> Asset | None:
        if self.record.output_id is None:
            return None
        found = await info.context.loaders.assets.load(self.record.output_id)
        return None if found is None else Asset.of(found)

    @paged_field("Its history, oldest first: the same events as in the subscription.")
    async def events(
        self,
        info: Info,
        page: PageRequest,
    ) -> Connection[JobEvent]:
        job_id, reader = self.record.id, info.context.principal
        window = page.window(lambda cursor: (read_job_cursor(cursor, job_id),))
        found = await info.context.loaders.events.load((job_id, window))
        return Connection.of(
            found, lambda event: JobEvent.of(event, reader), lambda event: job_cursor(job_id, event.seq)
        )

    @field("The provider's price so far, in micro-dollars; null for a session.")
    def cost_micros(self, info: Info) -> BigInt | None:
        return of_provider(info.context.principal, BigInt(self.record.cost_micros))

    @field("Its submissions to the provider, oldest first; null for a session.")
    async def attempts(self, info: Info) -> list[ProviderAttempt] | None:
        reader = info.context.principal
        if not reader.sees_provider:
            return None
        found = await info.context.loaders.attempts.load(self.record.id)
        return [ProviderAttempt.of(attempt, self.record, support=reader.is_support) for attempt in found or ()]
