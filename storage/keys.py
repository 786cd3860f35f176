"""Where objects live. Repeating a step gives the same key, so it writes the same object again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_OF_JOB = re.compile(rf"jobs/({_UUID})/.+")
_OF_ATTEMPT = re.compile(rf"jobs/{_UUID}/(\d+)/.+")
_OF_ASSET = re.compile(rf"(?:uploads|assets)/{_UUID}/({_UUID})(?:-[0-9a-f]+)?(?:\.[a-z0-9]+)?")


def upload_key(account_id: UUID, asset_id: UUID) -> str:
    """Return the key that a browser uploads to."""
    return f"uploads/{account_id}/{asset_id}"


def asset_key(account_id: UUID, asset_id: UUID, sha256_hex: str, extension: str) -> str:
    """Return the key of an upload once it has been cleaned.

    The digest is in it because a form can be posted to again while the upload is being completed: whoever cleaned
    another picture meanwhile must not write over the one that the row tells of.
    """
    return f"assets/{account_id}/{asset_id}-{sha256_hex[:32]}.{extension}"


def job_prefix(job_id: UUID) -> str:
    """Return what the keys of everything that a job made begin with."""
    return f"jobs/{job_id}/"


def source_key(job_id: UUID, attempt: int, extension: str) -> str:
    """Return the key of our copy of what the provider returned for an attempt."""
    return f"{job_prefix(job_id)}{attempt}/source.{extension}"


def output_key(job_id: UUID, attempt: int, role: str, extension: str) -> str:
    """Return the key of a finished file; `role` is avatar, scene, video or poster."""
    return f"{job_prefix(job_id)}{attempt}/{role}.{extension}"


def attempt_of(key: str) -> int | None:
    """Return which of its job's attempts an object was made in; None for one whose key does not say."""
    found = _OF_ATTEMPT.fullmatch(key)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Belongs:
    """What a key belongs to: a job, or an uploaded asset."""

    job_id: UUID | None = None
    asset_id: UUID | None = None


def belongs(key: str) -> Belongs | None:
    """Return what a key belongs to by its form, or None for one that is not ours."""
    if found := _OF_JOB.fullmatch(key):
        return Belongs(job_id=UUID(found[1]))
    if found := _OF_ASSET.fullmatch(key):
        return Belongs(asset_id=UUID(found[1]))
    return None
