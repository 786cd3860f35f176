"""Mutations for retrying many jobs at a rate."""

from __future__ import annotations

import strawberry

from jobs.support.redrives import RedriveRequest, request_redrive, stop_redrive
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import KeyedPayload, Payload
from schema.narrowing import narrowed
from schema.types.filters import JobFilter
from schema.types.redrive import Redrive


@strawberry.input(description="The jobs to retry, and at which rate.")
class RedriveJobsInput:
    filter: JobFilter = strawberry.field(description="Selects failed jobs; with `states`, canceled jobs too.")
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters. The same key with the same input redrives only once."
    )
    per_minute: int = strawberry.field(
        default=60,
        description="Submissions per minute, 1 to 6000; jobs that need no submission start at once.",
    )
    at_most: int | None = strawberry.field(
        default=None, description="The maximum number of jobs, the oldest first; null for all of them."
    )
    reason: str | None = strawberry.field(
        default=None, description="Kept in the history of each job; null without one."
    )


@strawberry.type(description="The redrive that begins.")
class RedriveJobsPayload(KeyedPayload):
    redrive: Redrive | None = strawberry.field(default=None, description="The redrive, as it is now.")


@strawberry.input(description="The redrive to stop.")
class StopRedriveInput:
    redrive_id: strawberry.ID = strawberry.field(description="A running redrive.")


@strawberry.type(description="The redrive that was stopped.")
class StopRedrivePayload(Payload):
    redrive: Redrive | None = strawberry.field(default=None, description="The redrive, which begins no further job.")


@strawberry.type
class RedriveMutations:
    @mutation(
        "For support: retry many failed jobs at a limited rate. Workers carry it out: read its progress as "
        "`Redrive`, and stop it with `stopRedrive`.",
        RedriveJobsPayload,
    )
    async def redrive_jobs(self, info: Info, input: RedriveJobsInput) -> RedriveJobsPayload:
        caller = info.context.principal
        request = RedriveRequest(
            input.idempotency_key,
            input.filter.wanted(),
            narrowed(caller, input.filter),
            per_minute=input.per_minute,
            at_most=input.at_most,
            reason=input.reason,
        )
        redrive, replayed = await info.context.database.write(request_redrive, caller, request)
        return RedriveJobsPayload(redrive=Redrive.of(redrive), replayed=replayed)

    @mutation("For support: stop a redrive. Jobs that it began go on.", StopRedrivePayload)
    async def stop_redrive(self, info: Info, input: StopRedriveInput) -> StopRedrivePayload:
        redrive_id = input_id(input.redrive_id, IdKind.REDRIVE, "redriveId")
        stopped = await info.context.database.write(stop_redrive, info.context.principal, redrive_id)
        return StopRedrivePayload(redrive=Redrive.of(stopped))
