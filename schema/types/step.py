"""Steps of the pipeline, as support sees them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.engine.pausing import Pause as PauseRecord
from db.engine.pausing import StepStatus as StatusRecord
from db.engine.provider_limiter import Limits
from schema.types.enums import BreakerCause, BreakerState, PipelineStep
from statemachine.breaker import Breaker as BreakerRecord
from statemachine.budget import Bucket
from statemachine.steps import SPEC_OF

__all__ = ["PipelineStep", "StepPause", "StepStatus"]


@strawberry.type(description="A pause, during which no job of a step is started.")
class StepPause:
    paused_at: datetime = strawberry.field(description="When the pause began.")
    paused_by: str = strawberry.field(description="The member of support who paused the step.")
    reason: str | None = strawberry.field(description="The reason that was given; null without one.")

    @classmethod
    def of(cls, record: PauseRecord) -> StepPause:
        """Return the pause of a record."""
        return cls(paused_at=record.paused_at, paused_by=record.paused_by, reason=record.reason)


@strawberry.type(description="The remaining calls to the provider, for all workers together.")
class ProviderBudget:
    per_minute: float | None = strawberry.field(description="The calls per minute; null before the first call.")
    left: int | None = strawberry.field(description="The calls available right now; null before the first call.")
    blocked_until: datetime | None = strawberry.field(
        description="The time until which the provider accepts no calls; null if it accepts them."
    )

    @classmethod
    def of(cls, bucket: Bucket, now: datetime) -> ProviderBudget:
        """Return the budget that a bucket keeps."""
        blocked_until = bucket.blocked_until if bucket.is_blocked(now) else None
        return cls(per_minute=bucket.per_minute, left=bucket.left(now), blocked_until=blocked_until)


@strawberry.type(
    description="The circuit breaker of submissions. It opens after repeated failures or an account error."
)
class Breaker:
    state: BreakerState = strawberry.field(description="Whether submissions are admitted.")
    cause: BreakerCause | None = strawberry.field(description="Why it opened; null while it is closed.")
    detail: str | None = strawberry.field(description="The provider's own words, secrets removed; null without any.")
    opened_at: datetime | None = strawberry.field(description="When it opened; null while it is closed.")
    until: datetime | None = strawberry.field(
        description="When one job is admitted as a probe; null while it is closed."
    )

    @classmethod
    def of(cls, record: BreakerRecord) -> Breaker:
        """Return the breaker of a record."""
        return cls(
            state=record.state,
            cause=record.cause,
            detail=record.detail,
            opened_at=record.opened_at,
            until=record.until,
        )


@strawberry.type(description="The current status of a step.")
class StepStatus:
    step: PipelineStep = strawberry.field(description="The step that this is the status of.")
    due: int = strawberry.field(description="Jobs waiting for a worker.")
    oldest_due_at: datetime | None = strawberry.field(
        description="When the oldest of the due jobs became due; null if none is due."
    )
    in_flight: int = strawberry.field(description="Jobs claimed by a worker.")
    abandoned: int = strawberry.field(description="Jobs whose lease expired; another worker takes them over.")
    pause: StepPause | None = strawberry.field(
        description="The pause of the step by support; null if it is not paused."
    )
    budget: ProviderBudget | None = strawberry.field(
        description="The budget for the calls of this step; null if it makes none."
    )
    breaker: Breaker | None = strawberry.field(description="The breaker of submissions; null for the other steps.")

    @classmethod
    def of(cls, record: StatusRecord, limits: Limits) -> StepStatus:
        """Return the status of a record."""
        spec = SPEC_OF[record.step]
        return cls(
            step=record.step,
            due=record.due,
            oldest_due_at=record.oldest_due_at,
            in_flight=record.in_hand,
            abandoned=record.abandoned,
            pause=None if record.pause is None else StepPause.of(record.pause),
            budget=None if spec.call is None else ProviderBudget.of(limits.buckets[spec.call], limits.now),
            breaker=Breaker.of(limits.breaker) if spec.submits else None,
        )
