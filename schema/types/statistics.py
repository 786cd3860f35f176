"""Statistics of jobs by hour and by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import strawberry

from db.records.statistics import Ended
from schema.errors import BAD_USER_INPUT, ApiError
from schema.scalars import BigInt
from schema.types.enums import GenerationKind, Interval, JobErrorCode
from statemachine.vocabulary import ErrorCode, State

ROWS_MAX = 200
_LENGTHS = {Interval.HOUR: timedelta(hours=1), Interval.DAY: timedelta(days=1)}


@strawberry.type(description="The number of jobs that ended because of one root cause.")
class CauseCount:
    code: JobErrorCode = strawberry.field(description="The root cause.")
    count: int = strawberry.field(description="The number of jobs that failed or were canceled because of it.")


@strawberry.type(description="The jobs that ended in one hour or on one day, in UTC.")
class StatisticsRow:
    starts_at: datetime = strawberry.field(description="When the hour or the day begins.")
    succeeded: int = strawberry.field(description="The jobs that succeeded, also those that were rolled back later.")
    failed: int = strawberry.field(description="The jobs that failed by themselves, not because of another job.")
    canceled: int = strawberry.field(description="The jobs that were canceled themselves.")
    causes: list[CauseCount] = strawberry.field(
        description="The failed and canceled jobs by root cause, the most frequent first: without those that ended "
        "because of another job, `PARENT_FAILED` and `ROLLED_BACK`."
    )
    median_seconds: float | None = strawberry.field(
        description="Half of the successes took at most this long from the request or the last retry, to within a "
        "fifth; null without any."
    )
    p95_seconds: float | None = strawberry.field(
        description="19 of 20 successes took at most this long, to within a fifth; null without any."
    )
    spend_micros: BigInt = strawberry.field(
        description="What the provider was paid for the jobs that ended, in micro-dollars. The cost of an orphan that "
        "is found later counts only if its job ends again."
    )

    @classmethod
    def of(cls, starts_at: datetime, ended: Sequence[Ended]) -> StatisticsRow:
        """Return the row of an interval."""
        outcomes: Counter[State] = Counter()
        causes: Counter[ErrorCode] = Counter()
        for each in ended:
            outcomes[each.outcome] += each.jobs
            if each.error_code is not None and each.jobs:
                causes[each.error_code] += each.jobs
        return cls(
            starts_at=starts_at,
            succeeded=outcomes[State.SUCCEEDED],
            failed=outcomes[State.FAILED],
            canceled=outcomes[State.CANCELED],
            causes=[CauseCount(code=code, count=count) for code, count in causes.most_common()],
            median_seconds=_quantile(ended, 0.5),
            p95_seconds=_quantile(ended, 0.95),
            spend_micros=BigInt(sum(each.spend_micros for each in ended)),
        )


def _quantile(ended: Sequence[Ended], share: float) -> float | None:
    """Return the upper bound of the bucket in which that share of the successes is reached."""
    buckets: Counter[int] = Counter()
    for each in ended:
        if each.outcome is State.SUCCEEDED:
            buckets[each.bucket] += each.jobs
    left = share * buckets.total()
    for bucket in sorted(buckets):
        left -= buckets[bucket]
        if left <= 0:
            return round(float(2 ** ((bucket + 1) / 4)), 2)
    return None


def intervals(by: Interval, start: datetime, end: datetime) -> list[datetime]:
    """Return when each interval between two times begins, the first one whole; raise ApiError for too many or none."""
    length = _LENGTHS[by]
    first = start.replace(minute=0, second=0, microsecond=0)
    first = first if by is Interval.HOUR else first.replace(hour=0)
    if not first < end <= first + ROWS_MAX * length:
        raise ApiError(BAD_USER_INPUT, f"`to` must be after `from`, by at most {ROWS_MAX} hours or days.")
    return [first + number * length for number in range(ROWS_MAX) if first + number * length < end]


@strawberry.input(description="All given conditions must hold.")
class StatisticsFilter:
    account: strawberry.ID | None = strawberry.field(default=None, description="Jobs of this account.")
    kinds: list[GenerationKind] | None = strawberry.field(default=None, description="Jobs of one of these kinds.")
