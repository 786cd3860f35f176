"""Facts about objects, and forms for uploading them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Content:
    """The size and the digest that the bytes of an object must have."""

    size_bytes: int
    sha256_hex: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A written or read object, with the digest of its bytes."""

    key: str
    size_bytes: int
    sha256_hex: str
    content_type: str


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object as listed by the store."""

    key: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class PresignedPost:
    """A form for a browser to post, the fields first and the file last."""

    url: str
    fields: dict[str, str]
