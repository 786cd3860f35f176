"""What is old: files, sources and history whose time is over, and objects that no row names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from db.statements import statement

# How many months ahead there is a partition for the history; a quarter of a year without a worker does no harm.
MONTHS_AHEAD = 3

_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class OldFile:
    """An asset whose object is to be deleted."""

    asset_id: UUID
    key: str


@dataclass(frozen=True, slots=True)
class OldSource:
    """A copy of the provider's output that is to be deleted."""

    job_id: UUID
    attempt: int
    key: str


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """A key, and the job or the asset it belongs to."""

    key: str
    job_id: UUID | None
    asset_id: UUID | None


@dataclass(frozen=True, slots=True)
class NamedObject:
    """A key that a row names. `must_be_there` is False for an upload that is awaited; `since` when the row was made."""

    key: str
    must_be_there: bool
    since: datetime
    now: datetime


def expired_files(conn: Connection, *, uploads: timedelta, most: int) -> list[OldFile]:
    """Return files that have expired, and uploads that are older than `uploads` and were never completed."""
    rows = conn.execute(statement("expired_assets"), {"uploads": uploads, "most": most})
    return [OldFile(*row) for row in rows]


def purge_files(conn: Connection, files: Sequence[OldFile]) -> int:
    """Mark files whose objects are gone as deleted; return how many were not yet."""
    given = {"ids": [each.asset_id for each in files], "keys": [each.key for each in files]}
    return len(conn.execute(statement("purge_assets"), given).all())


def old_sources(conn: Connection, *, kept_for: timedelta, most: int) -> list[OldSource]:
    """Return sources of jobs that ended longer than `kept_for` ago."""
    return [OldSource(*row) for row in conn.execute(statement("old_sources"), {"kept_for": kept_for, "most": most})]


def purge_sources(conn: Connection, sources: Sequence[OldSource]) -> int:
    """Forget sources whose objects are gone; return how many were not yet."""
    given = {
        "job_ids": [each.job_id for each in sources],
        "attempts": [each.attempt for each in sources],
        "keys": [each.key for each in sources],
    }
    return len(conn.execute(statement("purge_sources"), given).all())


def unnamed(conn: Connection, owners: Sequence[KeyOwner], *, grace: timedelta) -> dict[str, bool]:
    """Return the keys that no row names, nor will, each with whether its job or asset is known."""
    given = {
        "keys": [each.key for each in owners],
        "job_ids": [each.job_id for each in owners],
        "asset_ids": [each.asset_id for each in owners],
        "grace": grace,
    }
    return {row.key: row.is_known for row in conn.execute(statement("unnamed_objects"), given)}


def named_objects(conn: Connection) -> Iterator[NamedObject]:
    """Yield every key that a row names, in the order of their bytes, with a bounded number of rows in memory.

    The transaction lasts as long as the reading, without the limits that otherwise end long ones.
    """
    conn.execute(text("SET LOCAL statement_timeout = 0"))
    conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    for row in conn.execute(statement("named_objects"), execution_options={"yield_per": _ROWS_AT_ONCE}):
        yield NamedObject(*row)


def still_named(conn: Connection, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that must be in the store by what rows say now."""
    return {row.key for row in conn.execute(statement("still_named"), {"keys": list(keys)})}


def make_history_months(conn: Connection) -> int:
    """Make the partitions of the history for the coming months; return how many were missing."""
    return int(conn.scalar(text("SELECT make_history_months(:ahead)"), {"ahead": MONTHS_AHEAD}) or 0)


def drop_history_month(conn: Connection, *, kept_for: timedelta) -> str | None:
    """Drop the oldest month of the history whose jobs all ended longer than `kept_for` ago; return its table's name.

    Call it in a transaction of its own, and again until it returns None. Nobody can write history for that moment.
    """
    name: str | None = conn.scalar(text("SELECT drop_history_month(:kept_for)"), {"kept_for": kept_for})
    return name


def purge_history(conn: Connection, *, kept_for: timedelta, most: int) -> int:
    """Delete events of jobs that ended longer ago and that no month took; return how many."""
    return len(conn.execute(statement("purge_history"), {"kept_for": kept_for, "most": most}).all())


def database_time(conn: Connection) -> datetime:
    """Return the time by the clock that leases and retention go by."""
    now: datetime = conn.execute(text("SELECT diorama_now()")).scalar_one()
    return now
