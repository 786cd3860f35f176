"""Twins: a ready picture with the same bytes and of the same owner as an upload, whose object the upload may share."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, text

from db.records.assets import Asset
from db.statements import statement


def lock_picture(conn: Connection, asset: Asset, sha256: str) -> None:
    """Wait until no other transaction completes an upload of the same bytes and owner, and make others wait."""
    conn.execute(statement("lock_picture"), _picture(asset, sha256))


def lock_pending(conn: Connection, asset_id: UUID) -> bool:
    """Lock an upload until the transaction ends; return False if it is no longer pending."""
    pending = text("SELECT FROM assets WHERE id = :id AND state = 'pending' FOR NO KEY UPDATE")
    return conn.execute(pending, {"id": asset_id}).one_or_none() is not None


def lock_twin(conn: Connection, asset: Asset, sha256: str) -> Asset | None:
    """Return the twin of an upload whose cleaned bytes have this digest, locked until the transaction ends, or None."""
    row = conn.execute(statement("twin"), _picture(asset, sha256)).one_or_none()
    return None if row is None else Asset.from_row(row)


def _picture(asset: Asset, sha256: str) -> dict[str, object]:
    return {"account_id": asset.account_id, "session_id": asset.session_id, "sha256": sha256}


def copy_renditions(conn: Connection, from_id: UUID, to_id: UUID) -> None:
    """Give a picture the renditions of another one."""
    conn.execute(statement("copy_renditions"), {"from_id": from_id, "to_id": to_id})
