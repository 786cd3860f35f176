"""Finished files: what a step has made and stored, and the asset that is recorded of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.engine.claims import ClaimedJob
from db.engine.row_changes import AssetMade
from db.records.renditions import Rendition


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """One finished file in our storage. Sizes in pixels and bytes; duration and rate are for videos only."""

    id: UUID
    role: str  # avatar, scene, video or poster
    object_key: str
    content_type: str
    width_px: int
    height_px: int
    size_bytes: int
    sha256: str
    duration_s: float | None
    frames_per_second: float | None
    renditions: tuple[Rendition, ...]

    def asset(self, job: ClaimedJob, expires_at: datetime | None, poster: AssetMade | None = None) -> AssetMade:
        """Return the asset of the job that this file becomes."""
        return AssetMade(
            id=self.id,
            account_id=job.account_id,
            session_id=job.session_id,
            kind=self.role,
            object_key=self.object_key,
            content_type=self.content_type,
            width_px=self.width_px,
            height_px=self.height_px,
            duration_s=self.duration_s,
            frames_per_second=self.frames_per_second,
            size_bytes=self.size_bytes,
            sha256=self.sha256,
            poster_id=poster.id if poster else None,
            expires_at=expires_at,
        )
