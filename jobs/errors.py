"""User errors: the refusals of the use cases.

    UseCaseError
    ├── Invalid              an argument is wrong; the message says what would be right
    ├── NotFound             it does not exist, or is not the caller's: both look the same
    ├── NotReady             it exists, but is not finished yet
    ├── InputExpired         retention has removed the input of a job
    ├── TierRequired         only a paid session can request this
    ├── InsufficientCredits  the price exceeds the available credits; carries `required` and `available`
    ├── SpendCapReached      the account has spent what it may on this day; carries `resets_at`
    ├── LimitExceeded        the account or the user has as much as it may; carries the limit and what is used
    ├── IdempotencyKeyReused the key was used for another request
    ├── AlreadyFinished      the job has ended, or is ending
    ├── UnsupportedMedia     the upload is not a usable picture
    ├── Suspended            support has suspended the account or the user
    └── Forbidden            the caller's key is of the wrong kind

The API turns each into a `userErrors` entry, or into a top-level error for `Forbidden` and for a suspended caller.
"""

from __future__ import annotations

from datetime import UTC, datetime

from statemachine.vocabulary import UsageLimitName, UsageLimitOwner


class UseCaseError(Exception):
    """An error that the caller can fix. `path` names the argument, outermost first."""

    code = "INVALID"

    def __init__(self, message: str, *path: str) -> None:
        self.message = message
        self.path = path
        super().__init__(message)


class Invalid(UseCaseError):
    """An argument is wrong."""


class NotFound(UseCaseError):
    """It does not exist, or is not the caller's."""

    code = "NOT_FOUND"


class NotReady(UseCaseError):
    """It exists, but is not finished yet."""

    code = "NOT_READY"


class InputExpired(UseCaseError):
    """Retention has removed the picture that a job would start from."""

    code = "INPUT_EXPIRED"


class NotRetryable(UseCaseError):
    """The same request would fail again, or only another job's retry helps."""

    code = "NOT_RETRYABLE"


class TierRequired(UseCaseError):
    """Only a paid session can request this."""

    code = "TIER_REQUIRED"


class InsufficientCredits(UseCaseError):
    """The price exceeds the available credits."""

    code = "INSUFFICIENT_CREDITS"

    def __init__(self, required: int, available: int, *path: str) -> None:
        self.required = required
        self.available = available
        super().__init__(f"This costs {required} credits, but only {available} are available.", *(path or ("input",)))


class SpendCapReached(UseCaseError):
    """The account has spent what it may on this day."""

    code = "SPEND_CAP_REACHED"

    def __init__(self, resets_at: datetime) -> None:
        self.resets_at = resets_at
        when = f"{resets_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
        super().__init__(f"Today's spending limit is reached: try again after {when}.", "input")


class LimitExceeded(UseCaseError):
    """The account or the user has, or has done, as much as it may: of jobs, sessions or uploads.

    `retry_at` is when the same request may succeed without anyone doing anything; None if that is not known.
    """

    code = "LIMIT_EXCEEDED"

    def __init__(
        self, limit: UsageLimitName, owner: UsageLimitOwner, *, most: int, used: int, retry_at: datetime | None
    ):
        self.limit, self.owner, self.most, self.used, self.retry_at = limit, owner, most, used, retry_at
        whose = "This account" if owner is UsageLimitOwner.ACCOUNT else "This user"
        super().__init__(f"{whose} {_EXCEEDED[limit].format(most=most)}", "input")


_EXCEEDED = {
    UsageLimitName.UNFINISHED_JOBS: "may have {most} unfinished jobs at a time: try again when some have ended, or "
    "cancel some.",
    UsageLimitName.OPEN_SESSIONS: "may have {most} open sessions: end one with endSession, or wait until one expires.",
    UsageLimitName.UPLOADS_PER_HOUR: "may begin {most} uploads and imports an hour: try again in the next hour.",
    UsageLimitName.PENDING_UPLOADS: "may have {most} pending uploads: complete some with completeUpload, or delete "
    "them with deleteAsset.",
    UsageLimitName.UPLOAD_BYTES: "may keep {most} bytes of uploaded pictures: delete some with deleteAsset.",
}


class IdempotencyKeyReused(UseCaseError):
    """The key was used before, for another request."""

    code = "IDEMPOTENCY_KEY_REUSED"


class AlreadyFinished(UseCaseError):
    """The job has ended, or is ending."""

    code = "ALREADY_FINISHED"


class UnsupportedMedia(UseCaseError):
    """The upload is not a usable picture."""

    code = "UNSUPPORTED_MEDIA"


class Suspended(UseCaseError):
    """Support has suspended the account or the user."""

    code = "SUSPENDED"


class Forbidden(UseCaseError):
    """The caller's key may not do this."""

    code = "FORBIDDEN"
