"""Store the renditions of a file beside it: objects first, then their rows with the row of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from db.records.renditions import Rendition
from jobs.media import ImageFacts
from storage import S3Store
from storage.keys import rendition_key, working_copy_key


def store_renditions(
    store: S3Store, made: Mapping[Path, ImageFacts], asset_id: UUID, key: str
) -> tuple[Rendition, ...]:
    """Write the renditions of the file at `key`, and return their rows. Safe to call again."""
    return tuple(_stored(store, path, facts, asset_id, key) for path, facts in made.items())


def store_working_copy(store: S3Store, path: Path, facts: ImageFacts, asset_id: UUID, key: str) -> Rendition:
    """Write what models are given instead of the picture at `key`, and return its row. Safe to call again."""
    return replace(_written(store, path, facts, asset_id, working_copy_key(key)), is_working_copy=True)


def _stored(store: S3Store, path: Path, facts: ImageFacts, asset_id: UUID, key: str) -> Rendition:
    beside = rendition_key(key, facts.width_px, path.suffix.removeprefix("."))
    return _written(store, path, facts, asset_id, beside)


def _written(store: S3Store, path: Path, facts: ImageFacts, asset_id: UUID, key: str) -> Rendition:
    stored = store.put_file(key, path, content_type=facts.content_type)
    return Rendition(
        asset_id=asset_id,
        width_px=facts.width_px,
        height_px=facts.height_px,
        object_key=stored.key,
        content_type=stored.content_type,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256_hex,
    )
