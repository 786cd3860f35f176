"""A full disk: the fault of the machine, and not of the file or the job that met it."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog

from db.public_ids import IdKind, encode_id

log = structlog.get_logger(__name__)

# No space, no share of it left, and the file-size limit of the process.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class DiskFull(Exception):
    """The disk of this process has no room for a picture; the same request may succeed later, or elsewhere."""


def is_full_disk(error: Exception) -> bool:
    """Return True if the disk of this machine, or our share of it, has no room."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


@contextmanager
def full_disk_raised(asset_id: UUID) -> Iterator[None]:
    """Raise DiskFull in place of the OSError of a full disk, and log what an operator can do."""
    try:
        yield
    except OSError as error:
        if not is_full_disk(error):
            raise
        log.error(
            "no room on the disk",
            asset_id=encode_id(IdKind.ASSET, asset_id),
            reason=error.strerror,
            folder=tempfile.gettempdir(),
            what_to_do="free space in this folder, or set TMPDIR to one with more",
        )
        raise DiskFull("no room on the disk") from error
