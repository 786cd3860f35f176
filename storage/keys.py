"""Object keys.

A worker's key of a job's object contains the lease under which it writes, so no worker overwrites what another one has
recorded, however late it wakes: docs/decisions/0015.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_OF_JOB = re.compile(rf"jobs/({_UUID})/.+")
_OF_ATTEMPT = re.compile(rf"jobs/{_UUID}/(\d+)/.+")
_OF_LEASE = re.compile(rf"jobs/{_UUID}/\d+/(\d+)/.+")
_SOURCE = "source"
_OF_ASSET = re.compile(rf"(?:uploads|assets)/{_UUID}/({_UUID})(?:-[0-9a-f]+)?(?:-\d+)?(?:\.[a-z0-9]+)?")


UPLOADS = "uploads/"


def upload_key(account_id: UUID, asset_id: UUID) -> str:
    """Return the key for a browser's upload."""
    return f"{UPLOADS}{account_id}/{asset_id}"


def asset_key(account_id: UUID, asset_id: UUID, sha256_hex: str, extension: str) -> str:
    """Return the key of an upload once it has been cleaned.

    The key contains the digest because the form can be posted again while the upload is being completed: a process that
    cleans another picture meanwhile must not overwrite the one that the row describes.
    """
    return f"assets/{account_id}/{asset_id}-{sha256_hex[:32]}.{extension}"


def asset_prefixes(account_id: UUID, asset_id: UUID) -> tuple[str, str]:
    """Return the prefixes of the keys of all objects of an uploaded asset: as it was posted, and cleaned."""
    return upload_key(account_id, asset_id), f"assets/{account_id}/{asset_id}"


def job_prefix(job_id: UUID) -> str:
    """Return the prefix of the keys of all objects of a job."""
    return f"jobs/{job_id}/"


def attempt_prefix(job_id: UUID, attempt: int) -> str:
    """Return the prefix of the keys of all objects of an attempt."""
    return f"{job_prefix(job_id)}{attempt}/"


def lease_prefix(job_id: UUID, attempt: int, lease: int) -> str:
    """Return the prefix of the keys that are written for an attempt under one lease."""
    return f"{attempt_prefix(job_id, attempt)}{lease}/"


def source_key(job_id: UUID, attempt: int, lease: int, extension: str) -> str:
    """Return the key of our copy of an attempt's provider output."""
    return f"{lease_prefix(job_id, attempt, lease)}{_SOURCE}.{extension}"


def output_key(job_id: UUID, attempt: int, lease: int, role: str, extension: str) -> str:
    """Return the key of a finished file; `role` is avatar, scene, video or poster."""
    return f"{lease_prefix(job_id, attempt, lease)}{role}.{extension}"


def is_source(key: str) -> bool:
    """Return True for the key of a copy of a provider output."""
    return key.rpartition("/")[2].partition(".")[0] == _SOURCE


def rendition_key(key: str, width_px: int, extension: str) -> str:
    """Return the key of a rendition of the file at `key`: beside it, so that what finds the one finds the other."""
    folder, _, name = key.rpartition("/")
    return f"{folder}/{name.partition('.')[0]}-{width_px}.{extension}"


def working_copy_key(key: str) -> str:
    """Return the key of the working copy of the picture at `key`: beside it, like a rendition."""
    folder, _, name = key.rpartition("/")
    stem, _, extension = name.partition(".")
    return f"{folder}/{stem}-unlabelled.{extension}"


def attempt_of(key: str) -> int | None:
    """Return the number of the attempt that made an object, or None where the key does not contain it."""
    found = _OF_ATTEMPT.fullmatch(key)
    return int(found[1]) if found else None


def lease_of(key: str) -> int | None:
    """Return the number of the lease under which an object was written, or None where the key does not contain it."""
    found = _OF_LEASE.fullmatch(key)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Belongs:
    """The owner of a key: a job or an uploaded asset."""

    job_id: UUID | None = None
    asset_id: UUID | None = None


def belongs(key: str) -> Belongs | None:
    """Parse a key's owner, or return None for a foreign key."""
    if found := _OF_JOB.fullmatch(key):
        return Belongs(job_id=UUID(found[1]))
    if found := _OF_ASSET.fullmatch(key):
        return Belongs(asset_id=UUID(found[1]))
    return None
