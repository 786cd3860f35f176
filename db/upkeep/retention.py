"""Expired files, sources and history, and objects that no row names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from db.statements import statement

# Months of history partitions created in advance; a quarter without a worker does no harm.
MONTHS_AHEAD = 3

_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class OldFile:
    """An asset whose object should be deleted, and the keys of its renditions."""

    asset_id: UUID
    key: str
    renditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OldSource:
    """A copy of the provider's output that should be deleted."""

    job_id: UUID
    attempt: int
    key: str


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """A key, and the job or asset it belongs to."""

    key: str
    job_id: UUID | None
    asset_id: UUID | None


@dataclass(frozen=True, slots=True)
class NamedObject:
    """A key that a row names. `must_be_there` is False for a pending upload; `since` is when the row was made."""

    key: str
    must_be_there: bool
    since: datetime
    now: datetime


def expired_files(conn: Connection, *, uploads: timedelta, most: int) -> list[OldFile]:
    """Return files that have expired, and incomplete uploads older than `uploads`."""
    rows = conn.execute(statement("expired_assets"), {"uploads": uploads, "most": most})
    return [OldFile(row.id, row.object_key, tuple(row.rendition_keys)) for row in rows]


def purge_files(conn: Connection, files: Sequence[OldFile]) -> int:
    """Mark files whose objects are gone as deleted; return how many were not marked yet."""
    given = {"ids": [each.asset_id for each in files], "keys": [each.key for each in files]}
    return len(conn.execute(statement("purge_assets"), given).all())


def find_files_again(conn: Connection, keys: Sequence[str]) -> int:
    """Mark missing files as ready whose objects are among these keys of the store; return how many."""
    return len(conn.execute(statement("find_assets_again"), {"keys": list(keys)}).all())


def old_sources(conn: Connection, *, kept_for: timedelta, most: int) -> list[OldSource]:
    """Return sources of jobs that ended longer than `kept_for` ago."""
    rows = conn.execute(statement("old_sources"), {"kept_for": kept_for, "most": most})
    return [OldSource(row.job_id, row.attempt, row.source_key) for row in rows]


def purge_sources(conn: Connection, sources: Sequence[OldSource]) -> int:
    """Clear the sources whose objects are gone; return how many were not cleared yet."""
    given = {
        "job_ids": [each.job_id for each in sources],
        "attempts": [each.attempt for each in sources],
        "keys": [each.key for each in sources],
    }
    return len(conn.execute(statement("purge_sources"), given).all())


def unnamed(conn: Connection, owners: Sequence[KeyOwner], *, grace: timedelta) -> dict[str, bool]:
    """Return the keys that no row names or will name, each with a flag for whether its job or asset is known."""
    given = {
        "keys": [each.key for each in owners],
        "job_ids": [each.job_id for each in owners],
        "asset_ids": [each.asset_id for each in owners],
        "grace": grace,
    }
    return {row.key: row.is_known for row in conn.execute(statement("unnamed_objects"), given)}


def named_objects(conn: Connection) -> Iterator[NamedObject]:
    """Yield every key that a row names, in byte order, with a bounded number of rows in memory.

    The transaction lasts as long as the reading, without the usual limits on long transactions.
    """
    conn.execute(text("SET LOCAL statement_timeout = 0"))
    conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    for row in conn.execute(statement("named_objects"), execution_options={"yield_per": _ROWS_AT_ONCE}):
        yield NamedObject(**row._mapping)


def still_named(conn: Connection, keys: Sequence[str]) -> set[str]:
    """Return the keys that must be in the store according to the current rows."""
    return {row.key for row in conn.execute(statement("still_named"), {"keys": list(keys)})}


def make_history_months(conn: Connection) -> int:
    """Create the history partitions for the coming months; return how many were missing."""
    return int(conn.scalar(text("SELECT make_history_months(:ahead)"), {"ahead": MONTHS_AHEAD}) or 0)


def drop_history_month(conn: Connection, *, kept_for: timedelta) -> str | None:
    """Drop the oldest month of history whose jobs all ended longer than `kept_for` ago; return its table's name.

    Call it in a transaction of its own, repeatedly until it returns None. It briefly blocks writes to the history.
    """
    name: str | None = conn.scalar(text("SELECT drop_history_month(:kept_for)"), {"kept_for": kept_for})
    return name


def purge_history(conn: Connection, *, kept_for: timedelta, most: int) -> int:
    """Delete old events that are in no monthly partition; return how many."""
    return len(conn.execute(statement("purge_history"), {"kept_for": kept_for, "most": most}).all())


def purge_activity(conn: Connection, *, kept_for: timedelta, most: int) -> int:
    """Delete the entries of activities older than `kept_for`, at most `most` an account; return how many."""
    return len(conn.execute(statement("purge_activity"), {"kept_for": kept_for, "most": most}).all())


def database_time(conn: Connection) -> datetime:
    """Return the database's time, which leases and retention use."""
    now: datetime = conn.execute(text("SELECT diorama_now()")).scalar_one()
    return now
