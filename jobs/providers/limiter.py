"""The limiter: the calls that all workers together may make to the provider, and when to pause.

Submissions are limited before their jobs are claimed: a waiting job keeps its place in the queue and costs nothing.
Excess reads return a slot later each; calls that cannot wait (cancels, the search for a lost submission) take permits
in advance and leave fewer for the rest.
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
from statemachine.breaker import Breaker, BreakerPolicy
from statemachine.budget import Budget
from statemachine.outcomes import Accepted, Failure, OutcomeLost, Refused, Rejected, RetryPolicy
from statemachine.vocabulary import BreakerCause, BreakerState

log = structlog.get_logger(__name__)

_THROTTLED = 429
# Used if a throttled response does not say how long to wait.
_DEFAULT_RETRY_AFTER_S = 1.0
# A process takes this many reads at a time from the shared budget; unused ones are forfeited after this long.
_READS_AT_ONCE = 10
_READS_KEEP_S = 1.0

Outcome = Accepted | Refused | Rejected | OutcomeLost


@dataclass(frozen=True, slots=True)
class Admission:
    """The number of queued jobs that may be claimed in this transaction, and the seconds until the next try if none."""

    most: int
    wait_s: float = 0.0
    creates: Creates | None = None


class Limiter(Protocol):
    """Admits calls to the provider and observes their results."""

    @property
    def is_limited(self) -> bool:
        """Return True if queued jobs may be claimed only as `admit` allows."""

    def admit(self, conn: Connection, want: int) -> Admission:
        """Return how many queued jobs may be claimed in the transaction of `conn`."""

    def admitted(self, conn: Connection, admission: Admission, job_ids: Sequence[UUID]) -> None:
        """Book the claimed jobs, in the same transaction."""

    def observe(self, outcome: Outcome | None) -> None:
        """Observe the outcome of a submission; None if it was not sent after all."""

    def observe_end(self, failure: Failure | None) -> None:
        """Observe the failure of a prediction; None if it succeeded."""

    def read_in_s(self) -> float:
        """Return 0 if a read may be made now, else the seconds after which to try again."""

    def must_read(self, calls: int = 1) -> None:
        """Book calls that cannot be delayed."""

    def observe_read(self, failure: Failure) -> None:
        """Observe a failed read."""


class NoLimiter:
    """Admits everything."""

    is_limited = False

    def admit(self, conn: Connection, want: int) -> Admission:
        """Admit every job."""
        return Admission(want)

    def admitted(self, conn: Connection, admission: Admission, job_ids: Sequence[UUID]) -> None:
        """Book nothing."""

    def observe(self, outcome: Outcome | None) -> None:
        """Ignore it."""

    def observe_end(self, failure: Failure | None) -> None:
        """Ignore it."""

    def read_in_s(self) -> float:
        """Allow every read."""
        return 0.0

    def must_read(self, calls: int = 1) -> None:
        """Book nothing."""

    def observe_read(self, failure: Failure) -> None:
        """Ignore it."""


@dataclass(frozen=True, slots=True)
class LimiterSettings:
    """The budgets and the breaker. `in_flight_most` bounds the jobs at the provider, None for no bound."""

    creates: Budget = field(default_factory=lambda: Budget(500))
    reads: Budget = field(default_factory=lambda: Budget(2500))
    in_flight_most: int | None = None
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)


class SharedLimiter:
    """Keeps the budgets and the breaker in Postgres, shared by all workers."""

    is_limited = True

    def __init__(self, engine: Engine, settings: LimiterSettings | None = None) -> None:
        self._engine = engine
        self._settings = settings or LimiterSettings()
        self._reads = Permits(_READS_AT_ONCE, _READS_KEEP_S, self._take_reads)
        # The last known state: a success is worth a transaction only if it changes something.
        self._is_untouched = True

    def admit(self, conn: Connection, want: int) -> Admission:
        """Return how many may be claimed: permits, room at the provider and the breaker decide together."""
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
        """Take a permit for each, and record that a probe of the provider is under way."""
        creates = admission.creates
        if not job_ids or creates is None:
            return
        admitted = None if self._settings.in_flight_most is None else (*creates.on_their_way, *job_ids)
        save_creates(conn, creates.bucket.spend(len(job_ids)), admitted)
        if creates.breaker.state is not BreakerState.CLOSED:
            save_breaker(conn, creates.breaker.probing(creates.now, self._settings.breaker))

    def observe(self, outcome: Outcome | None) -> None:
        """Count failures, honor a requested wait, and close the breaker after a success."""
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
        _alert(creates.breaker, breaker)

    def observe_end(self, failure: Failure | None) -> None:
        """Stop submissions after a prediction that shows an account error; resume them after a success.

        The provider accepts submissions even if its own upstream account, or our key to it, is invalid: only the end of
        a prediction shows that, and that it is over.
        """
        is_account_error = failure is not None and failure.retry_policy is RetryPolicy.OPERATOR
        if not is_account_error and (failure is not None or self._is_untouched):
            return
        with self._engine.begin() as conn:
            creates = lock_creates(conn, counts_in_flight=False)
            breaker = creates.breaker.delivered()
            if failure is not None:
                breaker = creates.breaker.spoiled(creates.now, failure.detail, self._settings.breaker)
            save_breaker(conn, breaker)
        self._is_untouched = breaker.is_untouched
        _alert(creates.breaker, breaker)

    def read_in_s(self) -> float:
        """Return 0 and take a permit, or return the seconds until the caller's own slot."""
        return self._reads.take()

    def must_read(self, calls: int = 1) -> None:
        """Take permits, in advance if there are none."""
        with self._engine.begin() as conn:
            bucket, now = lock_reads(conn)
            save_reads(conn, bucket.filled(self._settings.reads, now).spend(calls))

    def observe_read(self, failure: Failure) -> None:
        """Honor a requested wait."""
        if failure.status == _THROTTLED:
            self._reads.forfeit()
            with self._engine.begin() as conn:
                bucket, now = lock_reads(conn)
                save_reads(conn, bucket.filled(self._settings.reads, now).block(_later(now, failure)))

    def _room(self, creates: Creates) -> int:
        """Return how many more jobs may go to the provider."""
        if self._settings.in_flight_most is None or creates.at_provider is None:
            return creates.bucket.whole(creates.now)
        return max(0, self._settings.in_flight_most - creates.at_provider - len(creates.on_their_way))

    def _after(self, creates: Creates, outcome: Outcome | None) -> Breaker:
        now, policy = creates.now, self._settings.breaker
        breaker = creates.breaker.by_clock_at(now, policy)
        match outcome:
            case OutcomeLost(reason):
                return breaker.failed(now, BreakerCause.OUTAGE, reason, policy)
            case Refused(failure) if failure.retry_policy is RetryPolicy.OPERATOR:
                return breaker.failed(now, BreakerCause.ACCOUNT, failure.detail, policy)
            case Refused(failure) if failure.retry_policy is not RetryPolicy.ANOTHER_MODEL:
                return breaker.failed(now, BreakerCause.OUTAGE, failure.detail, policy)
            case None | Refused():
                # A missing model says nothing about the others.
                return breaker.never_sent(now)
            case _:
                return breaker.succeeded()

    def _take_reads(self, want: int) -> tuple[int, float]:
        """Take up to `want` reads from the shared budget; if there are none, return a slot to come back at."""
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
    return now + timedelta(seconds=failure.retry_after_s or _DEFAULT_RETRY_AFTER_S)


def _alert(before: Breaker, after: Breaker) -> None:
    """Alert operators once that submissions stopped, from the process that stopped them, and log that they resumed."""
    if before.state is BreakerState.CLOSED and after.state is not BreakerState.CLOSED:
        log.critical("submissions stopped", cause=after.cause, why=after.detail, until=str(after.until))
    elif before.state is not BreakerState.CLOSED and after.state is BreakerState.CLOSED:
        log.warning("submissions resumed", stopped_at=str(before.opened_at))
    elif before.cause is not after.cause:
        log.critical("submissions stopped", cause=after.cause, why=after.detail, until=str(after.until))
