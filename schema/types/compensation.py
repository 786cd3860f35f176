"""Compensating actions of jobs, as support sees them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.engine.compensations import ActionFilter, CompensationAction
from schema.context import Info
from schema.fields import field
from schema.ids import IdKind, decode_id
from schema.types.enums import CompensationKind, CompensationState
from schema.types.filters import each_of
from schema.types.job import Job


@strawberry.type(description="One compensating action of a job, and its result.")
class Compensation:
    record: strawberry.Private[CompensationAction]
    action: CompensationKind = strawberry.field(description="What is undone.")
    state: CompensationState = strawberry.field(description="Whether it was done, is yet to be done, or needs support.")
    cycle: int = strawberry.field(description="The cycle of the job, counted from 0; each redrive begins another.")
    result: str | None = strawberry.field(description="What the action found or did; null until it is done.")
    tries: int = strawberry.field(description="The number of tries so far.")
    last_error: str | None = strawberry.field(description="The error of the last try that failed; null if none did.")
    reviewed_by: str | None = strawberry.field(
        description="The member of support who reviewed it; null without a review."
    )
    review_note: str | None = strawberry.field(description="The reason given with the review; null without one.")
    created_at: datetime = strawberry.field(description="When the job began to be undone.")
    changed_at: datetime = strawberry.field(description="When the action last changed.")

    @classmethod
    def of(cls, record: CompensationAction) -> Compensation:
        """Return the compensation of a record."""
        return cls(
            record=record,
            action=CompensationKind(record.action),
            state=CompensationState(record.state),
            cycle=record.cycle,
            result=record.result,
            tries=record.tries,
            last_error=record.last_error,
            reviewed_by=record.reviewed_by,
            review_note=record.review_note,
            created_at=record.created_at,
            changed_at=record.changed_at,
        )

    @field("The job whose action it is; null if the job was removed.")
    async def job(self, info: Info) -> Job | None:
        found = await info.context.loaders.jobs.load(self.record.job_id)
        return None if found is None else Job.of(found)


@strawberry.input(description="All given conditions must hold.")
class CompensationFilter:
    states: list[CompensationState] | None = strawberry.field(
        default=None, description="Actions in one of these states."
    )
    actions: list[CompensationKind] | None = strawberry.field(
        default=None, description="Actions of one of these kinds."
    )
    job_id: strawberry.ID | None = strawberry.field(default=None, description="The actions of this job.")

    def wanted(self) -> ActionFilter:
        """Return the filter as the reads take it; raise ApiError or MalformedId for a value that makes no sense."""
        return ActionFilter(
            states=each_of("states", self.states, str),
            actions=each_of("actions", self.actions, str),
            job_id=None if self.job_id is None else decode_id(self.job_id, IdKind.JOB),
        )
