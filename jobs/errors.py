"""What a caller can mend: the errors of the use cases.

    UseCaseError
    ├── Invalid              an argument is wrong; the message says what would be right
    ├── NotFound             no such thing, or not the caller's: both look the same
    ├── NotReady             it exists, but is not finished yet
    ├── InputExpired         what a job was made from is no longer kept
    ├── TierRequired         only a paid session may ask for this
    ├── InsufficientCredits  its price is more than there is; carries `required` and `available`
    ├── IdempotencyKeyReused the key was used for another request
    ├── AlreadyFinished      the job has ended, or is ending
    ├── UnsupportedMedia     the upload is not a picture we can use
    └── Forbidden            the caller's key is of the wrong kind

The API turns each into a `userErrors` entry, or into a top-level error for `Forbidden`.
"""

from __future__ import annotations


class UseCaseError(Exception):
    """Something the caller can mend. `path` names the argument, outermost first."""

    code = "INVALID"

    def __init__(self, message: str, *path: str) -> None:
        self.message = message
        self.path = path
        super().__init__(message)


class Invalid(UseCaseError):
    """An argument is wrong."""


class NotFound(UseCaseError):
    """There is no such thing, or it is not the caller's."""

    code = "NOT_FOUND"


class NotReady(UseCaseError):
    """It exists, but is not finished yet."""

    code = "NOT_READY"


class InputExpired(UseCaseError):
    """What a job was made from is no longer kept."""

    code = "INPUT_EXPIRED"


class TierRequired(UseCaseError):
    """Only a paid session may ask for this."""

    code = "TIER_REQUIRED"


class InsufficientCredits(UseCaseError):
    """The price is more than what is available."""

    code = "INSUFFICIENT_CREDITS"

    def __init__(self, required: int, available: int, *path: str) -> None:
        self.required = required
        self.available = available
        super().__init__(f"This takes {required} credits and {available} are available.", *(path or ("input",)))


class IdempotencyKeyReused(UseCaseError):
    """The key was used before, for another request."""

    code = "IDEMPOTENCY_KEY_REUSED"


class AlreadyFinished(UseCaseError):
    """The job has ended, or is ending."""

    code = "ALREADY_FINISHED"


class UnsupportedMedia(UseCaseError):
    """The upload is not a picture we can use."""

    code = "UNSUPPORTED_MEDIA"


class Forbidden(UseCaseError):
    """The caller's key may not do this."""

    code = "FORBIDDEN"
