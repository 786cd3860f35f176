"""Renditions: the smaller copies of pictures, and the previews of videos, as rows.

A scope that shows a file shows its renditions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sqlalchemy import Connection, select

from db.tables import renditions


@dataclass(frozen=True, slots=True)
class Rendition:
    """One copy of a picture or a video, never wider than the original.

    A working copy is what a model is given instead of a picture with a visible label. It has no address.
    """

    asset_id: UUID
    width_px: int
    height_px: int
    object_key: str
    content_type: str
    size_bytes: int
    sha256: str
    is_working_copy: bool = False


def renditions_of(conn: Connection, asset_ids: Collection[UUID]) -> dict[UUID, list[Rendition]]:
    """Return the renditions that may be shown of each file that has any, the narrowest first.

    Files are not checked against a scope.
    """
    query = select(renditions).where(renditions.c.asset_id.in_(asset_ids), ~renditions.c.is_working_copy)
    rows = conn.execute(query.order_by(renditions.c.asset_id, renditions.c.width_px))
    found = groupby((Rendition(**row._mapping) for row in rows), key=lambda each: each.asset_id)
    return {asset_id: list(made) for asset_id, made in found}
