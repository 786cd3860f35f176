"""Sharing: the same picture, uploaded again by the same user, is one object in the store, with several assets."""

from __future__ import annotations

from sqlalchemy import Connection

from db.records.assets import Asset, mark_ready
from db.records.twins import copy_renditions, lock_pending, lock_twin
from storage import S3Store


def share_twin(conn: Connection, store: S3Store, asset: Asset, sha256: str) -> Asset | None:
    """Make a pending asset ready with the object and the renditions of its twin, and return it.

    Return None if there is no twin, its object is not in the store, or the asset is no longer pending. The twin is
    locked until the transaction ends, so that nothing deletes its object before this asset names it, too. The asset is
    locked first: with the twin locked this waits for no lock, so it cannot deadlock with a deletion of both.
    """
    twin = lock_twin(conn, asset, sha256) if lock_pending(conn, asset.id) else None
    if twin is None or not _is_stored(store, twin):
        return None
    ready = mark_ready(
        conn,
        asset.id,
        object_key=twin.object_key,
        content_type=twin.content_type,
        width_px=twin.width_px or 0,
        height_px=twin.height_px or 0,
        size_bytes=twin.size_bytes or 0,
        sha256=sha256,
    )
    if ready is not None:
        copy_renditions(conn, twin.id, asset.id)
    return ready


def _is_stored(store: S3Store, twin: Asset) -> bool:
    """Return False for an object that was lost and not missed yet: a new upload is the way to replace it."""
    found = store.head(twin.object_key)
    return found is not None and found.size_bytes == twin.size_bytes
