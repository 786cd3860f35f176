"""The history of a job, as its owner and as support read it."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.records.events import JobEvent as EventRecord
from jobs.identity import Principal
from schema.cursors import job_cursor
from schema.disclosure import of_provider
from schema.scalars import BigInt
from schema.types.enums import JobEventName, JobState
from schema.types.errors import JobError


@strawberry.type(description="One event in the append-only history of a job.")
class JobEvent:
    seq: int = strawberry.field(description="1, 2, 3 and so on for each job, without gaps.")
    cursor: str = strawberry.field(
        description="Pass it to `generationProgress(jobId:, after:)` to resume after this event."
    )
    at: datetime = strawberry.field(description="When it happened.")
    from_state: JobState | None = strawberry.field(
        description="The state before the event; null for the first event of a job."
    )
    event: JobEventName = strawberry.field(description="What happened; more kinds may be added.")
    to_state: JobState = strawberry.field(description="The state after the event.")
    percent: int = strawberry.field(description="The progress of the job after the event, from 0 to 100.")
    actor: str = strawberry.field(description="Who caused it: `worker`, `api` or `support`.")
    reason: str | None = strawberry.field(description="Details of the cause; for support only.")
    attempt: int = strawberry.field(description="The number of submissions to the provider up to the event.")
    duration_ms: BigInt = strawberry.field(description="The milliseconds spent in `fromState` so far.")
    cost_micros: BigInt | None = strawberry.field(
        description="The provider's price so far, in micro-dollars; null for a session."
    )
    error: JobError | None = strawberry.field(
        description="The failure that led to the event; null if it is not one of failure."
    )

    @classmethod
    def of(cls, record: EventRecord, reader: Principal) -> JobEvent:
        """Return the event of a record; what names staff or the provider's inner workings is shown to support only."""
        support = reader.is_support
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
            cost_micros=of_provider(reader, BigInt(record.cost_micros)),
            error=JobError.of(record.error_code, record.error_message, record.error_detail, support=support),
        )
