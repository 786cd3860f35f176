"""The reason a job is waiting, derived from its row and its surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import strawberry

from db.engine.pausing import Pause
from db.engine.provider_limiter import CREATE, Limits
from db.records.jobs import Job
from schema.types.enums import WaitKind
from statemachine.vocabulary import BreakerCause, BreakerState, ErrorCode, Event, State

_ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELED})
# Outcomes of a call itself, not of the requested work.
_OF_A_CALL = frozenset({Event.REFUSED, Event.POSTPONED})
_OPERATOR = "The picture service is unavailable until an operator fixes a problem on our side."
_UNAVAILABLE = "The picture service is busy or unavailable. We keep trying."


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Conditions outside a job that it may wait for: a pause, its account's limit, and the provider's limits."""

    pause: Pause | None = None
    is_at_limit: bool = False
    limits: Limits | None = None


@strawberry.type(description="Why a job is waiting.")
class WaitReason:
    kind: WaitKind = strawberry.field(description="What it waits for.")
    until: datetime | None = strawberry.field(description="When the job is due next, if known.")
    message: str = strawberry.field(description="The reason in English, for the end user.")

    @classmethod
    def of(cls, job: Job, around: Surroundings) -> WaitReason | None:
        """Return why a job is waiting; None while a worker has claimed it, and once it has ended."""
        now = datetime.now(UTC)
        if job.state in _ENDED or (job.lease_expires_at is not None and job.lease_expires_at > now):
            return None
        if job.state is State.WAITING:
            return cls(kind=WaitKind.PARENT, until=None, message="The picture it is made from is not finished yet.")
        if around.pause is not None and around.pause.applies_to(job.state):
            return cls(
                kind=WaitKind.PAUSED, until=None, message="This step is paused; the job continues when it resumes."
            )
        if job.due_at is None or job.due_at <= now:
            return cls._due(job, around)
        kind, message = _why_later(job)
        return cls(kind=kind, until=job.due_at, message=message)

    @classmethod
    def _due(cls, job: Job, around: Surroundings) -> WaitReason:
        """Return why a due job has not been claimed: no free worker, a limit, or a stopped provider."""
        if job.state is State.QUEUED and around.is_at_limit:
            message = "The account has reached its limit of jobs at the provider; this one starts when another ends."
            return cls(kind=WaitKind.ACCOUNT_LIMIT, until=None, message=message)
        if (
            job.state is State.QUEUED
            and around.limits is not None
            and (stopped := cls._submissions_stopped(around.limits))
        ):
            return stopped
        if job.claimed_by is not None:
            message = "Its worker stopped responding; another one takes over."
            return cls(kind=WaitKind.QUEUE, until=None, message=message)
        return cls(kind=WaitKind.QUEUE, until=None, message="It is waiting for a free worker.")

    @classmethod
    def _submissions_stopped(cls, limits: Limits) -> WaitReason | None:
        """Return why submissions are stopped right now, or None."""
        bucket, breaker = limits.buckets[CREATE], limits.breaker
        if breaker.state is not BreakerState.CLOSED:
            is_ours = breaker.cause is BreakerCause.ACCOUNT
            kind = WaitKind.OPERATOR if is_ours else WaitKind.PROVIDER_UNAVAILABLE
            return cls(kind=kind, until=breaker.until, message=_OPERATOR if is_ours else _UNAVAILABLE)
        if bucket.is_blocked(limits.now):
            return cls(kind=WaitKind.PROVIDER_UNAVAILABLE, until=bucket.blocked_until, message=_UNAVAILABLE)
        if bucket.left(limits.now) == 0:
            message = "The picture service's rate limit is reached; the job starts as soon as the limit allows."
            return cls(kind=WaitKind.PROVIDER_BUDGET, until=None, message=message)
        return None


def _why_later(job: Job) -> tuple[WaitKind, str]:
    """Return why a job is not due yet."""
    if job.state is State.COMPENSATING:
        # Its error is why it ends, and says nothing of what is awaited.
        return WaitKind.BACK_OFF, "Part of it could not be undone yet; we keep trying."
    if job.state is State.RECONCILING:
        message = "We are checking whether the provider accepted it before submitting it again."
        return WaitKind.RECONCILING, message
    if job.event == Event.REDRIVEN:
        return WaitKind.QUEUE, "It was retried together with others, which start at a limited rate."
    if job.error_code is ErrorCode.PROVIDER_ACCOUNT:
        return WaitKind.OPERATOR, _OPERATOR
    if job.error_code is ErrorCode.PROVIDER_UNAVAILABLE and job.event in _OF_A_CALL:
        return WaitKind.PROVIDER_UNAVAILABLE, _UNAVAILABLE
    if job.error_code is None and job.state is State.GENERATING:
        return WaitKind.PROVIDER, "The provider is working on it."
    return WaitKind.BACK_OFF, "The last try failed; the next one follows after a wait."
