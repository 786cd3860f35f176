"""The limiter: what all workers together may ask of the provider, and when they had better not.

Submissions are held back before their jobs are claimed: who has to wait keeps its place in the queue, burns nothing and
costs nothing. Reads that are too many come back a slot later each; what can not wait (cancels, the search for a lost
submission) is taken ahead of time, and leaves the others less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import Connection, Engine

from db.engine.provider_limiter import Creates, lock_creates, lock_reads, save_breaker, save_creates, save_reads
from jobs.providers.permits import Permits
from statemachine.breaker import Breaker, BreakerPolicy, BreakerState, Cause
from statemachine.budget import Budget
from statemachine.outcomes import Accepted, Failure, OutcomeLost, Refused, Rejected, RetryPolicy

log = structlog.get_logger(__name__)

_THROTTLED = 429
# Where a throttled call was not told how long to wait.
_PATIENCE_S = 1.0
# A process takes this many reads at a time from the common budget; what it has not used by then is forfeited.
_READS_AT_ONCE = 10
_READS_KEEP_S = 1.0

Outcome = Accepted | Refused | Rejected | OutcomeLost


@dataclass(frozen=True, slots=True)
class Admission:
    """How many queued jobs may be claimed in this transaction, and otherwise the seconds after which to ask again."""

    most: int
    wait_s: float = 0.0
    creates: Creates | None = None


class Limiter(Protocol):
    """What a worker asks before it calls the provider, and tells afterwards."""

    @property
    def is_limited(self) -> bool:
        """Whether queued jobs may only be claimed as `admit` allows."""

    def admit(self, conn: Connection, want: int) -> Admission:
        """Say how many queued jobs may be claimed in the transaction of `conn`."""

    def admitted(self, conn: Connection, admission: Admission, job_ids: Sequence[UUID]) -> None:
        """Book those that were claimed, in the same transaction."""

    def observe(self, outcome: Outcome | None) -> None:
        """Take notice of what became of a submission; None where it was held back after all."""

    def observe_end(self, failure: Failure | None) -> None:
        """Take notice of what a prediction failed with; None where it succeeded."""

    def read_in_s(self) -> float:
        """Return 0 where a read may be made now, else the seconds after which to come back."""

    def must_read(self, calls: int = 1) -> None:
        """Book calls that can not be put off."""

    def observe_read(self, failure: Failure) -> None:
        """Take notice of a read that failed."""


class NoLimiter:
    """Holds nobody back."""

    is_limited = False

    def admit(self, conn: Connection, want: int) -> Admission:
        """Let everybody through."""
        return Admission(want)

    def admitted(self, conn: Connection, admission: Admission, job_ids: Sequence[UUID]) -> None:
        """Book nothing."""

    def observe(self, outcome: Outcome | None) -> None:
        """Take no notice."""

    def observe_end(self, failure: Failure | None) -> None:
        """Take no notice."""

    def read_in_s(self) -> float:
        """Let every read be made."""
        return 0.0

    def must_read(self, calls: int = 1) -> None:
        """Book nothing."""

    def observe_read(self, failure: Failure) -> None:
        """Take no notice."""


@dataclass(frozen=True, slots=True)
class LimiterSettings:
    """The budgets and the breaker. `in_flight_most` bounds the jobs at the provider, None for any number of them."""

    creates: Budget = field(default_factory=lambda: Budget(500))
    reads: Budget = field(default_factory=lambda: Budget(2500))
    in_flight_most: int | None = None
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)


class SharedLimiter:
    """Keeps the budgets and the breaker in Postgres, for all workers alike."""

    is_limited = True

    def __init__(self, engine: Engine, settings: LimiterSettings | None = None) -> None:
        self._engine = engine
        self._settings = settings or LimiterSettings()
        self._reads = Permits(_READS_AT_ONCE, _READS_KEEP_S, self._take_reads)
        # What this process knows without asking: a success is worth a transaction only where it changes something.
        self._is_untouched = True

    def admit(self, conn: Connection, want: int) -> Admission:
        """Say how many may be claimed: permits, room at the provider and the breaker decide together."""
        settings = self._settings
        creates = lock_creates(conn, counts_in_flight=settings.in_flight_most is not None)
        bucket = creates.bucket.filled(settings.creates, creates.now)
        if bucket.filled_at < creates.bucket.filled_at:
            save_creates(conn, bucket)
        breaker = creates.breaker.by_clock_at(creates.now, settings.breaker)
        creates = replace(creates, bucket=bucket, breaker=breaker)
        self._is_untouched = creates.breaker.is_untouched
        allowed = creates.breaker.most(creates.now)
        most = min(want, bucket.whole(creates.now), self._room(creates), want if allowed is None else allowed)
        wait_s = max(bucket.wait_s(settings.creates, creates.now), creates.breaker.wait_s(creates.now))
        return Admission(most, wait_s, creates)

    def admitted(self, conn: Connection, admission: Admission, job_ids: Sequence[UUID]) -> None:
        """Take a permit for each, and remember that somebody tries whether the provider works again."""
        creates = admission.creates
        if not job_ids or creates is None:
            return
        admitted = None if self._settings.in_flight_most is None else (*creates.on_their_way, *job_ids)
        save_creates(conn, creates.bucket.spend(len(job_ids)), admitted)
        if creates.breaker.state is not BreakerState.CLOSED:
            save_breaker(conn, creates.breaker.probing(creates.now, self._settings.breaker))

    def observe(self, outcome: Outcome | None) -> None:
        """Count failures, honor a wait that was asked for, and close the breaker after a success."""
        failed = isinstance(outcome, Refused | OutcomeLost)
        if self._is_untouched and not failed:
            return
        with self._engine.begin() as conn:
            creates = lock_creates(conn, counts_in_flight=False)
            breaker = self._after(creates, outcome)
            save_breaker(conn, breaker)
            if isinstance(outcome, Refused) and outcome.failure.status == _THROTTLED:
                bucket = creates.bucket.filled(self._settings.creates, creates.now)
                save_creates(conn, bucket.block(_later(creates.now, outcome.failure)))
        self._is_untouched = breaker.is_untouched
        _tell(creates.breaker, breaker)

    def observe_end(self, failure: Failure | None) -> None:
        """Stop submissions where a prediction tells of trouble with the account; let them go on after a success.

        The provider takes submissions although its own account elsewhere, or our key to it, is of no use: nothing but
        the end of a prediction shows that, and that it is over.
        """
        is_trouble = failure is not None and failure.retry_policy is RetryPolicy.OPERATOR
        if not is_trouble and (failure is not None or self._is_untouched):
            return
        with self._engine.begin() as conn:
            creates = lock_creates(conn, counts_in_flight=False)
            breaker = creates.breaker.delivered()
            if failure is not None:
                breaker = creates.breaker.spoiled(creates.now, failure.detail, self._settings.breaker)
            save_breaker(conn, breaker)
        self._is_untouched = breaker.is_untouched
        _tell(creates.breaker, breaker)

    def read_in_s(self) -> float:
        """Return 0 and take a permit, or the seconds until a slot of the caller's own."""
        return self._reads.take()

    def must_read(self, calls: int = 1) -> None:
        """Take permits that are there or will be."""
        with self._engine.begin() as conn:
            bucket, now = lock_reads(conn)
            save_reads(conn, bucket.filled(self._settings.reads, now).spend(calls))

    def observe_read(self, failure: Failure) -> None:
        """Honor a wait that was asked for."""
        if failure.status == _THROTTLED:
            self._reads.forfeit()
            with self._engine.begin() as conn:
                bucket, now = lock_reads(conn)
                save_reads(conn, bucket.filled(self._settings.reads, now).block(_later(now, failure)))

    def _room(self, creates: Creates) -> int:
        """How many more jobs may come to the provider."""
        if self._settings.in_flight_most is None or creates.at_provider is None:
            return creates.bucket.whole(creates.now)
        return max(0, self._settings.in_flight_most - creates.at_provider - len(creates.on_their_way))

    def _after(self, creates: Creates, outcome: Outcome | None) -> Breaker:
        now, policy = creates.now, self._settings.breaker
        breaker = creates.breaker.by_clock_at(now, policy)
        match outcome:
            case OutcomeLost(reason):
                return breaker.failed(now, Cause.OUTAGE, reason, policy)
            case Refused(failure) if failure.retry_policy is RetryPolicy.OPERATOR:
                return breaker.failed(now, Cause.ACCOUNT, failure.detail, policy)
            case Refused(failure) if failure.retry_policy is not RetryPolicy.ANOTHER_MODEL:
                return breaker.failed(now, Cause.OUTAGE, failure.detail, policy)
            case None | Refused():
                # That a model is gone says nothing of the others.
                return breaker.held_back(now)
            case _:
                return breaker.succeeded()

    def _take_reads(self, want: int) -> tuple[int, float]:
        """Take up to so many reads from the common budget; where there are none, a slot to come back at."""
        with self._engine.begin() as conn:
            bucket, now = lock_reads(conn)
            bucket = bucket.filled(self._settings.reads, now)
            taken = min(want, bucket.whole(now))
            wait_s = 0.0
            if taken:
                bucket = bucket.spend(taken)
            else:
                bucket, wait_s = bucket.put_off(self._settings.reads, now)
            save_reads(conn, bucket)
        return taken, wait_s


def _later(now: datetime, failure: Failure) -> datetime:
    return now + timedelta(seconds=failure.retry_after_s or _PATIENCE_S)


def _tell(before: Breaker, after: Breaker) -> None:
    """Tell the operators once that submissions stopped, by the process that stopped them, and that they go on."""
    if before.state is BreakerState.CLOSED and after.state is not BreakerState.CLOSED:
        log.critical("submissions stopped", cause=after.cause, why=after.detail, until=str(after.until))
    elif before.state is not BreakerState.CLOSED and after.state is BreakerState.CLOSED:
        log.warning("submissions go on", stopped_at=str(before.opened_at))
    elif before.cause is not after.cause:
        log.critical("submissions stopped", cause=after.cause, why=after.detail, until=str(after.until))
