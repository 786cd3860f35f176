"""Store the renditions of a file beside it: objects first, then their rows with the row of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from db.records.renditions import Rendition
from jobs.media import ImageFacts
from storage import S3Store
from storage.keys import rendition_key


def store_renditions(
    store: S3Store, made: Mapping[Path, ImageFacts], asset_id: UUID, key: str
) -> tuple[Rendition, ...]:
    """Write the renditions of the file at `key`, and return their rows. Safe to call again."""
    return tuple(_stored(store, path, facts, asset_id, key) for path, facts in made.items())


def _stored(store: S3Store, path: Path, facts: ImageFacts, asset_id: UUID, key: str) -> Rendition:
    beside = rendition_key(key, facts.width_px, path.suffix.removeprefix("."))
    stored = store.put_file(beside, path, content_type=facts.content_type)
    return Rendition(
        asset_id=asset_id,
        width_px=facts.width_px,
        height_px=facts.height_px,
        object_key=stored.key,
        content_type=stored.content_type,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256_hex,
    )
