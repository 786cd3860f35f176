"""Pictures of an account: a row and an object for each, and the objects that a job has left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Protocol
from uuid import UUID

from PIL import Image, ImageOps
from sqlalchemy import Engine, insert

from db.ids import new_id
from db.tables import assets
from simulator.media import canned_scene
from simulator.sketch import Sketch
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
    asset_id, (picture, (width_px, height_px)) = new_id(), _picture(kind)
    key = asset_key(account_id, asset_id, "00", "jpg")
    stored = store.put_stream(key, [picture], content_type="image/jpeg", max_bytes=len(picture))
    with engine.begin() as conn:
        conn.execute(
            insert(assets).values(
                id=asset_id,
                account_id=account_id,
                kind=kind,
                state="ready",
                object_key=stored.key,
                content_type="image/jpeg",
                width_px=width_px,
                height_px=height_px,
                size_bytes=stored.size_bytes,
                sha256=stored.sha256_hex,
            )
        )
    return asset_id


@cache
def _picture(kind: str) -> tuple[bytes, tuple[int, int]]:
    """Return a picture of a kind as JPEG, and its size. A scene is the one that the simulator's canned videos show."""
    if kind != "scene":
        return SAMPLE.read_bytes(), (1024, 1024)
    scene, size = BytesIO(), (1920, 1080)
    with Image.open(BytesIO(canned_scene(Sketch(), seed=1))) as drawn:
        ImageOps.fit(drawn.convert("RGB"), size).save(scene, "JPEG", quality=90)
    return scene.getvalue(), size


def finished_objects(attempt: int) -> list[str]:
    """Return the names of the objects that a finished avatar of 1024 pixels has, as the store lists them."""
    return [f"{attempt}/{name}" for name in (*(f"avatar-{width}.webp" for width in (1024, 320, 640)), *_FILES)]


def objects_of(store: Lists, job_id: UUID) -> list[str]:
    """Return the names of the objects that a job has left, without the numbers of the leases that wrote them."""
    prefix = f"jobs/{job_id}/"
    return sorted(_WITH_LEASE.sub(r"\1/", found.key.removeprefix(prefix)) for found in store.list(prefix))
