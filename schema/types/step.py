"""Steps of the pipeline, as support sees them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.engine.pausing import Pause as PauseRecord
from db.engine.pausing import StepStatus as StatusRecord
from db.engine.provider_limiter import CREATE, READ, Limits
from statemachine.breaker import Breaker as BreakerRecord
from statemachine.breaker import BreakerState, Cause
from statemachine.budget import Bucket
from statemachine.vocabulary import Step as PipelineStep

__all__ = ["PipelineStep", "StepPause", "StepStatus"]

_CALL_OF = {PipelineStep.SUBMIT: CREATE, PipelineStep.POLL: READ}

strawberry.enum(BreakerState, name="BreakerState", description="Whether submissions go through; half-open, one does.")
strawberry.enum(Cause, name="BreakerCause", description="What stopped submissions.")

strawberry.enum(PipelineStep, name="PipelineStep", description="One thing that workers do for jobs.")


@strawberry.type(description="That no job of a step is begun.")
class StepPause:
    paused_at: datetime
    paused_by: str
    reason: str | None

    @classmethod
    def of(cls, record: PauseRecord) -> StepPause:
        """Return the pause of a record."""
        return cls(paused_at=record.paused_at, paused_by=record.paused_by, reason=record.reason)


@strawberry.type(description="What may still be asked of the provider, by all workers together.")
class ProviderBudget:
    per_minute: float | None = strawberry.field(description="The calls a minute; null before the first.")
    left: int | None = strawberry.field(description="The calls that may be made at once.")
    blocked_until: datetime | None = strawberry.field(description="Until when the provider wants none.")

    @classmethod
    def of(cls, bucket: Bucket, now: datetime) -> ProviderBudget:
        """Return the budget that a bucket keeps."""
        blocked_until = bucket.blocked_until if bucket.is_blocked(now) else None
        return cls(per_minute=bucket.per_minute, left=bucket.left(now), blocked_until=blocked_until)


@strawberry.type(description="Whether submissions are stopped, because too many failed or the account needs a person.")
class Breaker:
    state: BreakerState
    cause: Cause | None
    detail: str | None = strawberry.field(description="The provider's own words, secrets removed.")
    opened_at: datetime | None
    until: datetime | None = strawberry.field(description="When one job is let through to see.")

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


@strawberry.type(description="How a step stands right now.")
class StepStatus:
    step: PipelineStep
    due: int = strawberry.field(description="Jobs that wait for a worker.")
    oldest_due_at: datetime | None = strawberry.field(description="Since when the first of them waits.")
    in_flight: int = strawberry.field(description="Jobs that a worker has in hand.")
    abandoned: int = strawberry.field(description="Jobs whose worker vanished, to be taken over.")
    pause: StepPause | None
    budget: ProviderBudget | None = strawberry.field(description="Of the calls that this step makes; null if none.")
    breaker: Breaker | None = strawberry.field(description="Of submissions; null for the other steps.")

    @classmethod
    def of(cls, record: StatusRecord, limits: Limits) -> StepStatus:
        """Return the status of a record."""
        call = _CALL_OF.get(record.step)
        return cls(
            step=record.step,
            due=record.due,
            oldest_due_at=record.oldest_due_at,
            in_flight=record.in_hand,
            abandoned=record.abandoned,
            pause=None if record.pause is None else StepPause.of(record.pause),
            budget=None if call is None else ProviderBudget.of(limits.buckets[call], limits.now),
            breaker=Breaker.of(limits.breaker) if record.step is PipelineStep.SUBMIT else None,
        )
