"""Errors of the object store.

StorageError
├── ObjectMissing          there is no object under that key
├── ObjectAltered          its bytes are not those that a row describes
├── ObjectTooLarge         more bytes than the caller allows; nothing was kept
├── StorageUnavailable     no response, or a server error: a later retry may succeed
│   └── ClockSkewed        this machine's clock and the store's differ by more than a signature allows
└── StorageMisconfigured   the address, the key or the bucket is wrong: an operator must fix it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    InvalidRegionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_TOO_LARGE = frozenset({"EntityTooLarge"})
# Errors without a server error's status that are transient all the same.
_TRANSIENT = frozenset({"RequestTimeout", "SlowDown", "Throttling", "OperationAborted", "ConditionalRequestConflict"})
_SKEWED = frozenset({"RequestTimeTooSkewed"})
# Server errors that no repetition changes.
_NOT_OFFERED = frozenset({"NotImplemented"})
# Reasons for which a store leaves single keys of a batch undeleted until an operator acts. Any other may go away.
_KEY_REFUSED = frozenset({"AccessDenied", "AllAccessDisabled", "AccountProblem", "InvalidRequest", "MethodNotAllowed"})
_TRANSIENT_STATUSES = frozenset({408, 425, 429})

_OUR_SETTINGS = (
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ParamValidationError,
    InvalidRegionError,
    ValueError,  # botocore's error for an invalid address
)


class StorageError(Exception):
    """A request to the object store failed."""


class ObjectMissing(StorageError):
    """There is no object under that key."""


class ObjectAltered(StorageError):
    """The bytes of the object are not those that a row describes."""


class ObjectTooLarge(StorageError):
    """The object has more bytes than the caller allows."""


class StorageUnavailable(StorageError):
    """The store does not respond, or returns a server error."""


class ClockSkewed(StorageUnavailable):
    """This machine's clock and the store's differ by more than a signature allows."""


class StorageMisconfigured(StorageError):
    """The store rejects the request: the address, the key or the bucket is wrong."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Convert botocore's errors to ours. `what` briefly names the operation.

    Errors of local files pass through because they say nothing about the store.
    """
    try:
        yield
    except ClientError as error:
        response: Mapping[str, Any] = error.response
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        raise of_response(what, error_code(error), status) from None
    except _OUR_SETTINGS as error:
        raise StorageMisconfigured(f"{what}: {_one_line(error)}") from None
    except BotoCoreError as error:
        raise StorageUnavailable(f"{what}: {_one_line(error)}") from None


def error_code(error: ClientError) -> str:
    """Return the store's error code, such as `NoSuchKey`, or the HTTP status where there is none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def of_response(what: str, code: str, status: int) -> StorageError:
    """Return the error for a response with this code and HTTP status."""
    if code in _MISSING:
        return ObjectMissing(f"{what}: there is no such object")
    if code in _TOO_LARGE:
        return ObjectTooLarge(f"{what}: more bytes than the store takes")
    if code in _SKEWED:
        return ClockSkewed(
            f"{what}: this machine's clock is too far from the store's; synchronize it with NTP ({code})"
        )
    if code in _NOT_OFFERED:
        return StorageMisconfigured(f"{what}: the store does not offer it ({code})")
    if status >= 500 or status in _TRANSIENT_STATUSES or code in _TRANSIENT:
        return StorageUnavailable(f"{what}: the store failed ({code})")
    return StorageMisconfigured(f"{what}: the store refused it ({code})")


def of_key(what: str, code: str) -> StorageError:
    """Return the error for a key that a store left out of a batch; such keys have a code, but no status."""
    return of_response(what, code, 403 if code in _KEY_REFUSED else 500)


def is_missing(code: str) -> bool:
    """Return True for the code of a response about an object that does not exist."""
    return code in _MISSING


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
