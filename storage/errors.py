"""What can go wrong with the object store.

StorageError
├── ObjectMissing          there is no object under that key
├── ObjectTooLarge         more bytes than the caller allows; nothing was kept
├── StorageUnavailable     no answer, or a server error: the same again later may work
└── StorageMisconfigured   the address, the key or the bucket is wrong: a person must see to it
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_MISCONFIGURED = frozenset(
    {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket", "PermanentRedirect"}
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
    """Turn botocore's errors into ours. `what` says in a few words what was being done."""
    try:
        yield
    except ClientError as error:
        raise _of_answer(what, error) from None
    except NoCredentialsError:
        raise StorageMisconfigured(f"{what}: no access key is set") from None
    except (BotoCoreError, OSError) as error:
        raise StorageUnavailable(f"{what}: {type(error).__name__}") from None


def _of_answer(what: str, error: ClientError) -> StorageError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _MISSING:
        return ObjectMissing(f"{what}: there is no such object")
    if code in _MISCONFIGURED:
        return StorageMisconfigured(f"{what}: the store refused it ({code})")
    return StorageUnavailable(f"{what}: the store failed ({code})")
