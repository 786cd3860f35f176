"""Pictures of an account: a row and an object for each, and the objects that a job has left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlalchemy import Engine, insert

from db.ids import new_id
from db.tables import assets
from storage import ObjectInfo, S3Store
from storage.keys import asset_key

SAMPLE = Path(__file__).parents[2] / "diorama" / "demo" / "samples" / "portrait.jpg"

_FILES = ("avatar.png", "source.png")
_WITH_LEASE = re.compile(r"^(\d+)/\d+/")


class Lists(Protocol):
    """A store that lists its objects: the real one, or the one in memory."""

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]: ...


def add_picture(engine: Engine, store: S3Store, account_id: UUID, kind: str) -> UUID:
    """Add a finished picture of a kind, with its object, and return its id."""
    asset_id = new_id()
    stored = store.put_file(asset_key(account_id, asset_id, "00", "jpg"), SAMPLE, content_type="image/jpeg")
    with engine.begin() as conn:
        conn.execute(
            insert(assets).values(
                id=asset_id,
                account_id=account_id,
                kind=kind,
                state="ready",
                object_key=stored.key,
                content_type="image/jpeg",
                width_px=1024,
                height_px=1024,
                size_bytes=stored.size_bytes,
                sha256=stored.sha256_hex,
            )
        )
    return asset_id


def finished_objects(attempt: int) -> list[str]:
    """Return the names of the objects that a finished avatar of 1024 pixels has, as the store lists them."""
    return [f"{attempt}/{name}" for name in (*(f"avatar-{width}.webp" for width in (1024, 320, 640)), *_FILES)]


def objects_of(store: Lists, job_id: UUID) -> list[str]:
    """Return the names of the objects that a job has left, without the numbers of the leases that wrote them."""
    prefix = f"jobs/{job_id}/"
    return sorted(_WITH_LEASE.sub(r"\1/", found.key.removeprefix(prefix)) for found in store.list(prefix))
