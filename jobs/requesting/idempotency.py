"""Idempotency: a request under a caller's key is carried out once, and every field of it counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection

from db.ids import new_id
from db.records.requests import IdempotencyKey, claim_key
from jobs.errors import IdempotencyKeyReused, Invalid

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Made:
    """The id of what a request made, now or earlier under the same key (`replayed`)."""

    resource_id: UUID
    replayed: bool


def once(conn: Connection, key: IdempotencyKey, request: DataclassInstance, make: Callable[[UUID], None]) -> Made:
    """Run `make` with a fresh id, or return the id of what the same request made earlier under this key.

    A concurrent request with the same key waits until this transaction ends. `make` must take everything it needs from
    `request`: whatever stands elsewhere is not compared. Raises Invalid for a key of the wrong length, and
    IdempotencyKeyReused where the key was used for a different request.
    """
    if not 1 <= len(key.key) <= 255:
        raise Invalid("idempotencyKey must have 1 to 255 characters.", "input", "idempotencyKey")
    digest, resource_id = digest_of(request), new_id()
    earlier = claim_key(conn, key, digest, resource_id)
    if earlier is None:
        make(resource_id)
        return Made(resource_id, replayed=False)
    if earlier.input_sha256 != digest:
        message = "This idempotencyKey was used for a different request; use a new key for a new request."
        raise IdempotencyKeyReused(message, "input", "idempotencyKey")
    return Made(earlier.resource_id, replayed=True)


def digest_of(request: DataclassInstance) -> bytes:
    """Return the SHA-256 of all fields of a request, at any depth, as canonical JSON."""
    canonical = json.dumps(asdict(request), sort_keys=True, separators=(",", ":"), default=_as_text)
    return hashlib.sha256(canonical.encode()).digest()


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    # Anything else might be written differently each time, and the same request would look like another one.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a request contains a {type(value).__name__}, which has no canonical form")
