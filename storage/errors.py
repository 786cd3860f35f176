"""Errors of the object store.

StorageError
├── ObjectMissing          there is no object under that key
├── ObjectAltered          its bytes are not those that a row describes
├── ObjectTooLarge         more bytes than the caller allows; nothing was kept
├── StorageUnavailable     no response, or a server error: a later retry may succeed
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
_TRANSIENT = frozenset({"RequestTimeout", "RequestTimeTooSkewed", "SlowDown", "Throttling", "OperationAborted"})
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
    if status >= 500 or status in _TRANSIENT_STATUSES or code in _TRANSIENT:
        return StorageUnavailable(f"{what}: the store failed ({code})")
    return StorageMisconfigured(f"{what}: the store refused it ({code})")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
