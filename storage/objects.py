"""What the store tells about objects, and what it hands out for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was written or read, with the digest of its bytes."""

    key: str
    size_bytes: int
    sha256_hex: str
    content_type: str


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a listing tells of an object."""

    key: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class PresignedPost:
    """A form that a browser posts, the fields first and the file last."""

    url: str
    fields: dict[str, str]
