"""Assets: pictures and videos in the object store, as rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from db.paging import Page, Window, fetch_page
from db.scope import Scope
from db.tables import assets, sessions


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `kind` is selfie, avatar, scene, video or poster; `state` pending, ready, missing, rejected or deleted.

    Sizes and the digest are None until it is ready; duration and rate are for videos only; `rejection` tells the
    user why an upload was refused, or a file was taken down; `interruptions` counts the checks of an upload that ended
    without a verdict.
    """

    id: UUID
    account_id: UUID
    session_id: UUID | None
    kind: str
    state: str
    object_key: str
    content_type: str
    width_px: int | None
    height_px: int | None
    duration_s: float | None
    frames_per_second: float | None
    size_bytes: int | None
    sha256: str | None
    poster_id: UUID | None
    rejection: str | None
    interruptions: int
    created_at: datetime
    expires_at: datetime | None

    @classmethod
    def from_row(cls, row: Any) -> Asset:
        """Return the asset of a row of the table."""
        return cls(**row._mapping)


def insert_pending(
    conn: Connection,
    *,
    asset_id: UUID,
    account_id: UUID,
    session_id: UUID | None,
    object_key: str,
    content_type: str,
    kept_for: timedelta | None,
) -> Asset:
    """Add a selfie that is still to be uploaded, and is kept for so long; None is for ever."""
    row = conn.execute(
        insert(assets)
        .values(
            id=asset_id,
            account_id=account_id,
            session_id=session_id,
            kind="selfie",
            state="pending",
            object_key=object_key,
            content_type=content_type,
            expires_at=None if kept_for is None else func.diorama_now() + kept_for,
        )
        .returning(*assets.c)
    ).one()
    return Asset.from_row(row)


def mark_ready(
    conn: Connection,
    asset_id: UUID,
    *,
    object_key: str,
    content_type: str,
    width_px: int,
    height_px: int,
    size_bytes: int,
    sha256: str,
) -> Asset | None:
    """Make a pending asset ready and return it; None when it was no longer pending."""
    return _change_pending(
        conn,
        asset_id,
        state="ready",
        object_key=object_key,
        content_type=content_type,
        width_px=width_px,
        height_px=height_px,
        size_bytes=size_bytes,
        sha256=sha256,
    )


def mark_rejected(conn: Connection, asset_id: UUID, reason: str) -> Asset | None:
    """Reject a pending asset for `reason` and return it; None when it was no longer pending."""
    return _change_pending(conn, asset_id, state="rejected", rejection=reason)


def explain_rejection(conn: Connection, asset_id: UUID, reason: str) -> None:
    """Tell the owner of an asset why it is gone."""
    conn.execute(update(assets).where(assets.c.id == asset_id).values(rejection=reason))


def mark_interrupted(conn: Connection, asset_id: UUID) -> Asset | None:
    """Count an interrupted check of a pending asset and return the asset; None when it was no longer pending."""
    return _change_pending(conn, asset_id, interruptions=assets.c.interruptions + 1)


def _change_pending(conn: Connection, asset_id: UUID, **values: object) -> Asset | None:
    row = conn.execute(
        update(assets).where(assets.c.id == asset_id, assets.c.state == "pending").values(**values).returning(*assets.c)
    ).one_or_none()
    return None if row is None else Asset.from_row(row)


def asset_by_id(conn: Connection, scope: Scope, asset_id: UUID) -> Asset | None:
    """Return the asset if the scope may see it."""
    return assets_by_id(conn, scope, [asset_id]).get(asset_id)


def assets_by_id(conn: Connection, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Asset]:
    """Return those of the assets that the scope may see."""
    rows = conn.execute(select(assets).where(assets.c.id.in_(ids), scope.allows(assets)))
    return {row.id: Asset.from_row(row) for row in rows}


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """A filter of assets; None and empty do not filter."""

    kinds: Collection[str] = ()
    states: Collection[str] = ()
    user_ref: str | None = None
    session_id: UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the SQL conditions of what was given."""
        a = assets.c
        found: list[ColumnElement[bool]] = [
            column.in_(values) for column, values in ((a.kind, self.kinds), (a.state, self.states)) if values
        ]
        found += [a.session_id == self.session_id] if self.session_id else []
        if self.user_ref is not None:
            found.append(a.session_id.in_(select(sessions.c.id).where(sessions.c.user_ref == self.user_ref)))
        return found


def asset_page(conn: Connection, scope: Scope, wanted: AssetFilter, window: Window) -> Page[Asset]:
    """Return one page of the assets that the scope may see, newest first; the key is (id,)."""
    query = select(assets).where(scope.allows(assets), *wanted.conditions())
    return fetch_page(conn, query, (assets.c.id,), window, Asset.from_row, descending=True)
