"""Why nothing is happening to a job right now, as honestly as its row tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import strawberry

from db.engine.pausing import Pause
from db.engine.provider_limiter import CREATE, Limits
from db.records.jobs import Job
from schema.types.enums import WaitKind
from statemachine.breaker import BreakerState, Cause
from statemachine.vocabulary import ErrorCode, Event, State

_ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELED})
# What came of a call itself, and not of the work that was asked for.
_OF_A_CALL = frozenset({Event.REFUSED, Event.POSTPONED})
_OPERATOR = "The picture service can not be used until we have put something right."
_UNAVAILABLE = "The picture service is busy or out of order. We keep trying."


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a job waits for beside itself.

    Whether its next step is paused, whether its account has no room, and how calls of the provider stand.
    """

    pause: Pause | None = None
    is_at_limit: bool = False
    limits: Limits | None = None


@strawberry.type(description="Why nothing is happening to a job right now.")
class WaitReason:
    kind: WaitKind
    until: datetime | None = strawberry.field(description="When it is looked at next, where that is known.")
    message: str

    @classmethod
    def of(cls, job: Job, around: Surroundings) -> WaitReason | None:
        """Return why a job waits; None while a worker has it in hand, and once it has ended."""
        now = datetime.now(UTC)
        if job.state in _ENDED or (job.lease_expires_at is not None and job.lease_expires_at > now):
            return None
        if job.state is State.WAITING:
            return cls(kind=WaitKind.PARENT, until=None, message="What this is made from is not finished yet.")
        if around.pause is not None and around.pause.holds(job.state):
            return cls(kind=WaitKind.PAUSED, until=None, message="This step is paused for now; it goes on by itself.")
        if job.due_at is None or job.due_at <= now:
            return cls._due(job, around)
        kind, message = _why_later(job)
        return cls(kind=kind, until=job.due_at, message=message)

    @classmethod
    def _due(cls, job: Job, around: Surroundings) -> WaitReason:
        """It could go on: it waits for those who would do it, or for its account's other jobs."""
        if job.state is State.QUEUED and around.is_at_limit:
            message = "As many jobs of this account are at the provider as may be at once; the next end makes room."
            return cls(kind=WaitKind.ACCOUNT_LIMIT, until=None, message=message)
        if job.state is State.QUEUED and around.limits is not None and (held := cls._held_back(around.limits)):
            return held
        if job.claimed_by is not None:
            message = "The worker that had it is gone; another one takes it over."
            return cls(kind=WaitKind.TURN, until=None, message=message)
        return cls(kind=WaitKind.TURN, until=None, message="It waits for a free worker.")

    @classmethod
    def _held_back(cls, limits: Limits) -> WaitReason | None:
        """Return why nobody is submitted right now, or None."""
        bucket, breaker = limits.buckets[CREATE], limits.breaker
        if breaker.state is not BreakerState.CLOSED:
            is_ours = breaker.cause is Cause.ACCOUNT
            kind = WaitKind.OPERATOR if is_ours else WaitKind.PROVIDER_UNAVAILABLE
            return cls(kind=kind, until=breaker.until, message=_OPERATOR if is_ours else _UNAVAILABLE)
        if bucket.is_blocked(limits.now):
            return cls(kind=WaitKind.PROVIDER_UNAVAILABLE, until=bucket.blocked_until, message=_UNAVAILABLE)
        if bucket.left(limits.now) == 0:
            message = "As much is asked of the picture service as it takes a minute; it follows in its turn."
            return cls(kind=WaitKind.PROVIDER_BUDGET, until=None, message=message)
        return None


def _why_later(job: Job) -> tuple[WaitKind, str]:
    """Return why a job is not due yet."""
    if job.state is State.COMPENSATING:
        # Its error is why it ends, and says nothing of what is awaited.
        return WaitKind.BACK_OFF, "Something of it could not be undone yet; that is tried again."
    if job.state is State.RECONCILING:
        message = "It is not known whether the provider took it; that is looked for before paying again."
        return WaitKind.RECONCILING, message
    if job.event == Event.REDRIVEN:
        return WaitKind.TURN, "It was sent back with others, which begin so many a minute."
    if job.error_code is ErrorCode.PROVIDER_ACCOUNT:
        return WaitKind.OPERATOR, _OPERATOR
    if job.error_code is ErrorCode.PROVIDER_UNAVAILABLE and job.event in _OF_A_CALL:
        return WaitKind.PROVIDER_UNAVAILABLE, _UNAVAILABLE
    if job.error_code is None and job.state is State.GENERATING:
        return WaitKind.PROVIDER, "The provider is working on it."
    return WaitKind.BACK_OFF, "An earlier try did not succeed; the next one follows."
