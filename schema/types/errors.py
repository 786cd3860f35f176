"""Errors of jobs, and user errors of mutations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry

from jobs.errors import InsufficientCredits, LimitExceeded, SpendCapReached, UseCaseError
from schema.enum_values import describe
from schema.scalars import BigInt
from schema.types.enums import JobErrorCode, UsageLimitName, UsageLimitOwner
from statemachine.vocabulary import ErrorCode


@strawberry.type(description="Why a job failed or was canceled.")
class JobError:
    code: JobErrorCode = strawberry.field(description="For programs; handle codes that you do not know by `retryable`.")
    message: str = strawberry.field(description="A message for the end user: what happened and what they can do.")
    retryable: bool = strawberry.field(
        description="True if `retryJob` takes the job while its input is kept and the credits suffice."
    )
    detail: str | None = strawberry.field(description="The provider's own words; for support only.")

    @classmethod
    def of(cls, code: ErrorCode | None, message: str | None, detail: str | None, *, support: bool) -> JobError | None:
        """Return the error of a record, or None where it has none."""
        if code is None:
            return None
        return cls(code=code, message=message or "", retryable=code.is_retryable, detail=detail if support else None)


class UserErrorCode(StrEnum):
    """The codes of user errors, which are those of `jobs.errors`."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    NOT_READY = "NOT_READY"
    INPUT_EXPIRED = "INPUT_EXPIRED"
    NOT_RETRYABLE = "NOT_RETRYABLE"
    TIER_REQUIRED = "TIER_REQUIRED"
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    SPEND_CAP_REACHED = "SPEND_CAP_REACHED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    ALREADY_FINISHED = "ALREADY_FINISHED"
    UNSUPPORTED_MEDIA = "UNSUPPORTED_MEDIA"
    SUSPENDED = "SUSPENDED"


describe(
    UserErrorCode,
    "The code of a user error.",
    {
        UserErrorCode.INVALID: "An argument is wrong; `message` says what would be right.",
        UserErrorCode.NOT_FOUND: "It does not exist, or is not yours.",
        UserErrorCode.NOT_READY: "It exists but cannot be used in its present state; `message` says what to do.",
        UserErrorCode.INPUT_EXPIRED: "The picture to start from is no longer kept: make or upload it again.",
        UserErrorCode.NOT_RETRYABLE: "A retry would end in the same way: `message` says what to do instead.",
        UserErrorCode.TIER_REQUIRED: "Only the paid tier can request this.",
        UserErrorCode.INSUFFICIENT_CREDITS: "The price exceeds the available credits: see `InsufficientCreditsError`.",
        UserErrorCode.SPEND_CAP_REACHED: "The account may spend no more today: see `SpendCapError.resetsAt`.",
        UserErrorCode.LIMIT_EXCEEDED: "The account or the user has as much as it may: see `LimitExceededError`.",
        UserErrorCode.IDEMPOTENCY_KEY_REUSED: "The key was used for another request: send this one with a new key.",
        UserErrorCode.ALREADY_FINISHED: "It has ended or is ending, so there is nothing to do.",
        UserErrorCode.SUSPENDED: "Support has suspended the end user: nothing helps but contacting support.",
        UserErrorCode.UNSUPPORTED_MEDIA: "The file is not a usable picture; `message` says why, so send another one.",
    },
)


@strawberry.interface(description="An error that the caller can fix.")
class UserError:
    message: str = strawberry.field(description="What is wrong and what would be right, in English.")
    code: UserErrorCode = strawberry.field(description="For programs; more codes may be added.")
    path: list[str] = strawberry.field(
        description="The path of the argument, outermost first, such as `input` and `selfieId`; empty if none is to "
        "blame."
    )


@strawberry.type(description="An error without further fields.")
class PlainUserError(UserError):
    """The type of most errors."""


@strawberry.type(description="The price exceeds the available credits.")
class InsufficientCreditsError(UserError):
    required: int = strawberry.field(description="The credits that the request costs.")
    available: int = strawberry.field(description="The credits that can be spent.")


@strawberry.type(description="The account has spent what it may on this day.")
class SpendCapError(UserError):
    resets_at: datetime = strawberry.field(description="When the same request may succeed: the next midnight of UTC.")


@strawberry.type(
    description="The account or the user has as many jobs, sessions or uploads as it may. Nothing was made."
)
class LimitExceededError(UserError):
    limit: UsageLimitName = strawberry.field(description="The limit, one of `Viewer.limits`.")
    owner: UsageLimitOwner = strawberry.field(description="Whose limit it is.")
    most: BigInt = strawberry.field(name="max", description="The most that the owner may have.")
    used: BigInt = strawberry.field(description="What the owner has, without this request.")
    retry_at: datetime | None = strawberry.field(
        description="When room comes without anyone doing anything; null if that is not known."
    )

    @classmethod
    def of(cls, error: LimitExceeded, shared: dict[str, Any]) -> LimitExceededError:
        """Return the user error of a limit."""
        return cls(
            **shared,
            limit=error.limit,
            owner=error.owner,
            most=BigInt(error.most),
            used=BigInt(error.used),
            retry_at=error.retry_at,
        )


def user_error(error: UseCaseError) -> UserError:
    """Return the user error of an error that a use case raised."""
    shared: dict[str, Any] = {"message": error.message, "code": UserErrorCode(error.code), "path": list(error.path)}
    if isinstance(error, InsufficientCredits):
        return InsufficientCreditsError(**shared, required=error.required, available=error.available)
    if isinstance(error, SpendCapReached):
        return SpendCapError(**shared, resets_at=error.resets_at)
    if isinstance(error, LimitExceeded):
        return LimitExceededError.of(error, shared)
    return PlainUserError(**shared)
