"""The history of a job, as its owner and as support read it."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.records.events import JobEvent as EventRecord
from schema.cursors import job_cursor
from schema.scalars import BigInt
from schema.types.enums import JobEventName, JobState
from schema.types.errors import JobError


@strawberry.type(description="One event in the append-only history of a job.")
class JobEvent:
    seq: int = strawberry.field(description="1, 2, 3 and so on for each job, without gaps.")
    cursor: str = strawberry.field(
        description="Pass it to `generationProgress(jobId:, after:)` to resume after this event."
    )
    at: datetime
    from_state: JobState | None = strawberry.field(description="Null for the first event of a job.")
    event: JobEventName
    to_state: JobState
    percent: int
    actor: str = strawberry.field(description="The actor: worker, api or support.")
    reason: str | None = strawberry.field(description="The reason; for support only.")
    attempt: int
    duration_ms: BigInt = strawberry.field(description="The time spent in `fromState`.")
    cost_micros: BigInt = strawberry.field(description="The provider's price so far, in micro-dollars.")
    error: JobError | None

    @classmethod
    def of(cls, record: EventRecord, *, support: bool) -> JobEvent:
        """Return the event of a record; what names staff or the provider's inner workings is shown to support only."""
        return cls(
            seq=record.seq,
            cursor=job_cursor(record.job_id, record.seq),
            at=record.at,
            from_state=record.from_state,
            event=record.event,
            to_state=record.to_state,
            percent=record.percent,
            actor=record.actor if support else record.actor.partition(":")[0],
            reason=record.reason if support else None,
            attempt=record.attempt,
            duration_ms=BigInt(record.duration_ms),
            cost_micros=BigInt(record.cost_micros),
            error=JobError.of(record.error_code, record.error_message, record.error_detail, support=support),
        )
