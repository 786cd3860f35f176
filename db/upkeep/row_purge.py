"""Old rows: of ended jobs, of deleted files, of idempotency keys, and of the log of webhooks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from db.statements import statement


@dataclass(frozen=True, slots=True)
class OldJob:
    """The id of an old job, with a flag for whether its row may be deleted."""

    id: UUID
    may_go: bool


@dataclass(frozen=True, slots=True)
class OldAsset:
    """The id of a deleted file, the keys of its objects, and a flag for whether its row may be deleted."""

    id: UUID
    keys: tuple[str, ...]
    may_go: bool


def old_jobs(conn: Connection, *, after: UUID, kept_for: timedelta, most: int) -> list[OldJob]:
    """Return the next jobs older than `kept_for`, in id order."""
    given = {"after": after, "kept_for": kept_for, "most": most}
    return [OldJob(**row._mapping) for row in conn.execute(statement("old_jobs"), given)]


def jobs_that_may_go(conn: Connection, ids: Collection[UUID], *, kept_for: timedelta) -> list[UUID]:
    """Return those of the jobs whose rows may be deleted."""
    query = text("SELECT job.id FROM jobs job WHERE job.id = ANY (:ids) AND job_may_go(job, :kept_for)")
    return list(conn.scalars(query, {"ids": list(ids), "kept_for": kept_for}))


def purge_jobs(conn: Connection, ids: Collection[UUID], *, kept_for: timedelta) -> tuple[int, set[UUID]]:
    """Delete jobs with their requests, attempts and actions, and stories left empty.

    Return how many were deleted, and the assets they were made from. Ledger entries stay.
    """
    gone = conn.execute(statement("purge_jobs"), {"ids": list(ids), "kept_for": kept_for}).all()
    stories = {row.story_id for row in gone} - {None}
    if stories:
        conn.execute(statement("purge_stories"), {"ids": list(stories)})
    return len(gone), {row.parent_id for row in gone} - {None}


def old_assets(conn: Connection, *, after: UUID, kept_for: timedelta, most: int) -> list[OldAsset]:
    """Return the next deleted files older than `kept_for`, in id order."""
    given = {"after": after, "kept_for": kept_for, "most": most}
    rows = conn.execute(statement("old_assets"), given)
    return [OldAsset(row.id, (row.object_key, *row.rendition_keys), row.may_go) for row in rows]


def purge_assets(conn: Connection, ids: Collection[UUID], *, kept_for: timedelta) -> int:
    """Delete the rows of deleted files; return how many."""
    return len(conn.execute(statement("purge_asset_rows"), {"ids": list(ids), "kept_for": kept_for}).all())


def purge_keys(conn: Connection, *, kept_for: timedelta, most: int) -> int:
    """Delete a batch of idempotency keys older than `kept_for`; return how many."""
    return len(conn.execute(statement("purge_keys"), {"kept_for": kept_for, "most": most}).all())


def purge_redrives(conn: Connection, *, kept_for: timedelta, most: int) -> int:
    """Delete a batch of redrives that ended before `kept_for`, with the list of skipped jobs; return how many."""
    return len(conn.execute(statement("purge_redrives"), {"kept_for": kept_for, "most": most}).all())


def purge_deliveries(conn: Connection, *, kept_for: timedelta, most: int) -> int:
    """Delete a batch of the webhook log older than `kept_for`; return how many rows."""
    return len(conn.execute(statement("purge_deliveries"), {"kept_for": kept_for, "most": most}).all())
