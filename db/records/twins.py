"""Twins: a ready picture with the same bytes and of the same owner as an upload, whose object the upload may share."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, text

from db.records.assets import Asset
from db.statements import statement


def lock_picture(conn: Connection, account_id: UUID, sha256: str) -> None:
    """Wait until no other transaction completes an upload of the same bytes in this account, and make others wait."""
    picture = text("SELECT pg_advisory_xact_lock(hashtextextended(:picture, 0))")
    conn.execute(picture, {"picture": f"{account_id}/{sha256}"})


def lock_twin(conn: Connection, asset: Asset, sha256: str) -> Asset | None:
    """Return the twin of an upload whose cleaned bytes have this digest, locked until the transaction ends, or None."""
    given = {"account_id": asset.account_id, "session_id": asset.session_id, "sha256": sha256}
    row = conn.execute(statement("twin"), given).one_or_none()
    return None if row is None else Asset.from_row(row)


def copy_renditions(conn: Connection, from_id: UUID, to_id: UUID) -> None:
    """Give a picture the renditions of another one."""
    conn.execute(statement("copy_renditions"), {"from_id": from_id, "to_id": to_id})
