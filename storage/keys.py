"""Where objects live. Repeating a step gives the same key, so it writes the same object again."""

from __future__ import annotations

from uuid import UUID


def upload_key(account_id: UUID, asset_id: UUID) -> str:
    """Return the key that a browser uploads to."""
    return f"uploads/{account_id}/{asset_id}"


def asset_key(account_id: UUID, asset_id: UUID, extension: str) -> str:
    """Return the key of an upload once it has been cleaned."""
    return f"assets/{account_id}/{asset_id}.{extension}"


def job_prefix(job_id: UUID) -> str:
    """Return what the keys of everything that a job made begin with."""
    return f"jobs/{job_id}/"


def source_key(job_id: UUID, attempt: int, extension: str) -> str:
    """Return the key of our copy of what the provider returned for an attempt."""
    return f"{job_prefix(job_id)}{attempt}/source.{extension}"


def output_key(job_id: UUID, attempt: int, role: str, extension: str) -> str:
    """Return the key of a finished file; `role` is avatar, scene, video or poster."""
    return f"{job_prefix(job_id)}{attempt}/{role}.{extension}"
