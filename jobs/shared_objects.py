"""Delete objects that may be shared: those that a file still names stay."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Engine

from db.upkeep.shared_objects import named_by_files
from storage import S3Store


def delete_unnamed(engine: Engine, store: S3Store, keys: Collection[str]) -> int:
    """Delete those of the objects that no ready or missing file names; return how many."""
    with engine.connect() as conn:
        named = named_by_files(conn, keys)
    return store.delete(key for key in keys if key not in named)
