"""The files that clients upload: kept for a day, with the checksums and signatures of the Files API."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from simulator.clock import Scheduler, to_text
from simulator.ids import Names


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One uploaded file."""

    id: str
    position: int
    name: str
    content_type: str
    content: bytes
    metadata: dict[str, Any]
    created_at: float
    expires_at: float

    def as_json(self, api_url: str) -> dict[str, Any]:
        """Return the file object of the API."""
        md5 = hashlib.md5(self.content).hexdigest()  # noqa: S324 - part of the API
        return {
            "id": self.id,
            "name": self.name,
            "content_type": self.content_type,
            "size": len(self.content),
            "etag": md5,
            "checksums": {"sha256": hashlib.sha256(self.content).hexdigest(), "md5": md5},
            "metadata": self.metadata,
            "created_at": to_text(self.created_at),
            "expires_at": to_text(self.expires_at),
            "urls": {"get": f"{api_url}/v1/files/{self.id}"},
        }


class Files:
    """All uploaded files, in order of creation."""

    def __init__(self, scheduler: Scheduler, names: Names, ttl_s: float) -> None:
        self._scheduler = scheduler
        self._names = names
        self._ttl_s = ttl_s
        self._by_id: dict[str, StoredFile] = {}
        self._added = 0

    def add(self, name: str, content_type: str, content: bytes, metadata: dict[str, Any]) -> StoredFile:
        """Store a file until it expires."""
        now = self._scheduler.clock.now()
        file_id = self._names.id()
        file = StoredFile(file_id, self._added, name, content_type, content, metadata, now, now + self._ttl_s)
        self._by_id[file_id] = file
        self._added += 1
        self._scheduler.at(file.expires_at, lambda: self.remove(file_id))
        return file

    def find(self, file_id: str) -> StoredFile | None:
        """Return the file of this id, or None."""
        return self._by_id.get(file_id)

    def remove(self, file_id: str) -> bool:
        """Remove a file; return False if there is none."""
        return self._by_id.pop(file_id, None) is not None

    def in_order(self) -> list[StoredFile]:
        """Return all files, the oldest first."""
        return list(self._by_id.values())

    def clear(self) -> None:
        """Remove all files."""
        self._by_id.clear()


def download_signature(secret: str, owner: str, file_id: str, expiry: str) -> str:
    """Return the base64 HMAC-SHA256 that lets a file be downloaded until `expiry` (Unix seconds)."""
    message = f"{owner} {file_id} {expiry}".encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode("ascii")
