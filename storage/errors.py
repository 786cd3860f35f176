"""What can go wrong with the object store.

StorageError
├── ObjectMissing          there is no object under that key
├── ObjectTooLarge         more bytes than the caller allows; nothing was kept
├── StorageUnavailable     no answer, or a server error: the same again later may work
└── StorageMisconfigured   the address, the key or the bucket is wrong: a person must see to it
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
# Answers that are no server errors by their number, and pass all the same.
_PASSING = frozenset({"RequestTimeout", "RequestTimeTooSkewed", "SlowDown", "Throttling", "OperationAborted"})
_PASSING_STATUSES = frozenset({408, 425, 429})

_OUR_SETTINGS = (
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ParamValidationError,
    InvalidRegionError,
    ValueError,  # how botocore refuses an address that is none
)


class StorageError(Exception):
    """The object store did not do what was asked of it."""


class ObjectMissing(StorageError):
    """There is no object under that key."""


class ObjectTooLarge(StorageError):
    """There are more bytes than the caller allows."""


class StorageUnavailable(StorageError):
    """The store does not answer, or answers with a server error."""


class StorageMisconfigured(StorageError):
    """The store refuses us: the address, the key or the bucket is wrong."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn botocore's errors into ours. `what` says in a few words what was being done.

    Errors of local files pass through: they say nothing about the store.
    """
    try:
        yield
    except ClientError as error:
        answer: Mapping[str, Any] = error.response
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        raise of_answer(what, error_code(error), status) from None
    except _OUR_SETTINGS as error:
        raise StorageMisconfigured(f"{what}: {_one_line(error)}") from None
    except BotoCoreError as error:
        raise StorageUnavailable(f"{what}: {_one_line(error)}") from None


def error_code(error: ClientError) -> str:
    """Return the store's word for what is wrong, such as `NoSuchKey`; the number of the status where it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def of_answer(what: str, code: str, status: int) -> StorageError:
    """Return the error for an answer with this code and HTTP status."""
    if code in _MISSING:
        return ObjectMissing(f"{what}: there is no such object")
    if code in _TOO_LARGE:
        return ObjectTooLarge(f"{what}: more bytes than the store takes")
    if status >= 500 or status in _PASSING_STATUSES or code in _PASSING:
        return StorageUnavailable(f"{what}: the store failed ({code})")
    return StorageMisconfigured(f"{what}: the store refused it ({code})")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
