"""The jobs, files and objects of deletions, and the erasure of what people wrote."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text, update

from db.records.deletions import Deletion
from db.statements import statement
from db.tables import attempts, deletions


@dataclass(frozen=True, slots=True)
class Doomed:
    """The things to be removed: jobs, uploads with their accounts, and the keys that rows name."""

    jobs: frozenset[UUID]
    uploads: frozenset[tuple[UUID, UUID]]
    keys: frozenset[str]


def doom_jobs(conn: Connection, deletion_id: UUID) -> int:
    """Add the jobs of a deletion, and return how many were not known."""
    return len(conn.execute(statement("doom_jobs"), {"id": deletion_id}).all())


def doom_assets(conn: Connection, deletion_id: UUID) -> int:
    """Add the files of a deletion, and return how many were not known."""
    return len(conn.execute(statement("doom_assets"), {"id": deletion_id}).all())


def doomed_running(conn: Connection, deletion_id: UUID) -> list[UUID]:
    """Return the unfinished jobs that a deletion ends, in the lock order."""
    return list(conn.scalars(statement("doomed_running"), {"id": deletion_id}))


def withdraw(conn: Connection, deletion_id: UUID) -> None:
    """Mark the files as deleted, and remove the words of users from the requests."""
    conn.execute(statement("erase_requests"), {"id": deletion_id})
    conn.execute(statement("doom_files"), {"id": deletion_id})


def end_sessions(conn: Connection, account_id: UUID, user_ref: str, pseudonym: str) -> None:
    """End the sessions of a user, and give the user another name in them."""
    given = {"account": account_id, "old": user_ref, "new": pseudonym}
    conn.execute(text("SELECT end_sessions(:account, :old, :new)"), given)


def rename_user(conn: Connection, account_id: UUID, user_ref: str, pseudonym: str) -> None:
    """Give a user another name in the wallets and the ledger, and delete their idempotency keys."""
    given = {"account": account_id, "old": user_ref, "new": pseudonym}
    conn.execute(text("SELECT rename_user(:account, :old, :new)"), given)


def due_deletions(conn: Connection, *, after: UUID, most: int) -> list[Deletion]:
    """Return the next deletions to carry out, oldest first."""
    given = {"after": after, "most": most}
    return [Deletion.from_row(row) for row in conn.execute(statement("due_deletions"), given)]


def doomed_of(conn: Connection, deletion_id: UUID) -> Doomed:
    """Return what a deletion removes."""
    rows = conn.execute(statement("doomed_objects"), {"id": deletion_id}).all()
    return Doomed(
        jobs=frozenset(row.job_id for row in rows if row.job_id is not None),
        uploads=frozenset((row.account_id, row.asset_id) for row in rows if row.asset_id is not None),
        keys=frozenset(row.key for row in rows if row.key is not None),
    )


@dataclass(frozen=True, slots=True)
class ProviderFile:
    """A picture that was uploaded to the provider for an attempt, and whether its submission is over."""

    job_id: UUID
    attempt: int
    picture_url: str
    has_ended: bool
    is_test: bool


def provider_files(conn: Connection, deletion_id: UUID) -> list[ProviderFile]:
    """Return the pictures at the provider that belong to a deletion."""
    return [ProviderFile(**row._mapping) for row in conn.execute(statement("provider_files"), {"id": deletion_id})]


def clear_provider_file(conn: Connection, file: ProviderFile) -> None:
    """Clear the address of a picture that the provider has removed."""
    here = (attempts.c.job_id == file.job_id) & (attempts.c.attempt == file.attempt)
    conn.execute(update(attempts).where(here).values(picture_url=None))


def note_deleted(conn: Connection, deletion_id: UUID, objects: int) -> None:
    """Count deleted objects."""
    query = update(deletions).where(deletions.c.id == deletion_id)
    conn.execute(query.values(objects=deletions.c.objects + objects))


def reopen(conn: Connection, deletion_id: UUID) -> None:
    """Begin a completed deletion again, because more was found."""
    conn.execute(update(deletions).where(deletions.c.id == deletion_id).values(completed_at=None))


def complete(conn: Connection, deletion_id: UUID, jobs: Collection[UUID]) -> None:
    """Erase what people wrote from the deletion's jobs, and complete it."""
    conn.execute(text("SELECT erase_jobs(:ids)"), {"ids": list(jobs)})
    done = text("UPDATE deletions SET completed_at = diorama_now() WHERE id = :id AND completed_at IS NULL")
    conn.execute(done, {"id": deletion_id})
