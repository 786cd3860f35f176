"""Steps of the pipeline, as support sees them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.pausing import Pause as PauseRecord
from db.pausing import StepStatus as StatusRecord
from statemachine.states import Step as PipelineStep

__all__ = ["PipelineStep", "StepPause", "StepStatus"]

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


@strawberry.type(description="How a step stands right now.")
class StepStatus:
    step: PipelineStep
    due: int = strawberry.field(description="Jobs that wait for a worker.")
    oldest_due_at: datetime | None = strawberry.field(description="Since when the first of them waits.")
    in_flight: int = strawberry.field(description="Jobs that a worker has in hand.")
    abandoned: int = strawberry.field(description="Jobs whose worker vanished, to be taken over.")
    pause: StepPause | None

    @classmethod
    def of(cls, record: StatusRecord) -> StepStatus:
        """Return the status of a record."""
        return cls(
            step=record.step,
            due=record.due,
            oldest_due_at=record.oldest_due_at,
            in_flight=record.in_hand,
            abandoned=record.abandoned,
            pause=None if record.pause is None else StepPause.of(record.pause),
        )
