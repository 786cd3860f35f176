"""The activity of an account as it is read: entries after a position, in the one order that every reader sees."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, select

from db.records.events import UnreadableEvent
from db.tables import activity, activity_heads, sessions
from statemachine.vocabulary import ActivityType, Event, Kind, State

# A read with a filter passes over this many entries at most: some milliseconds.
SCAN_MAX = 5_000


class ActivityPurged(LookupError):
    """The entries after a position are no longer kept: `oldest` is the first position that is."""

    def __init__(self, after: int, oldest: int) -> None:
        super().__init__(f"the activity after position {after} is no longer kept: it begins at {oldest}")
        self.oldest = oldest


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One entry. `position` counts 1, 2, 3 … an account, without gaps.

    `job_id`, `seq`, `kind` and `event` are those of a job's event, which `db.records.events` reads whole; `state` is
    the one that the job moved to, or that the story ended in. `at` is when the transaction began: it may fall from one
    entry to the next. `user_ref` is the session's user, by the name of today; `endpoint_id` is a webhook endpoint's.
    """

    position: int
    type: ActivityType
    at: datetime
    job_id: UUID | None
    seq: int | None
    story_id: UUID | None
    session_id: UUID | None
    user_ref: str | None
    kind: Kind | None
    state: State | None
    event: Event | None
    endpoint_id: UUID | None = None

    @classmethod
    def from_row(cls, row: Any) -> ActivityEntry:
        """Return the entry of a row; raise UnreadableEvent where a newer program wrote it."""
        try:
            return cls._of(row)
        except ValueError as error:
            raise UnreadableEvent(row.job_id or row.account_id, row.seq or row.position, error) from None

    @classmethod
    def _of(cls, row: Any) -> ActivityEntry:
        return cls(
            position=row.position,
            type=ActivityType(row.type),
            at=row.at,
            job_id=row.job_id,
            seq=row.seq,
            story_id=row.story_id,
            session_id=row.session_id,
            user_ref=row.user_ref,
            kind=Kind(row.kind) if row.kind else None,
            state=State(row.state) if row.state else None,
            event=Event(row.event) if row.event else None,
            endpoint_id=row.endpoint_id,
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The last position of an account's activity, and the last that was purged; 0 where there is none."""

    position: int = 0
    purged: int = 0


def head(conn: Connection, account_id: UUID) -> Head:
    """Return how far the activity of an account has come: the position from which to read only what is new."""
    query = select(activity_heads.c.position, activity_heads.c.purged).where(activity_heads.c.account_id == account_id)
    row = conn.execute(query).one_or_none()
    return Head(*row) if row else Head()


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """A filter of entries; None and empty do not filter. One of a job's kind or state passes over other entries."""

    types: Collection[ActivityType] = ()
    kinds: Collection[Kind] = ()
    states: Collection[State] = ()
    session_id: UUID | None = None
    story_id: UUID | None = None
    user_ref: str | None = None
    # The end user whose entries the reader may see; None for all.
    within_user: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the SQL conditions of what was given."""
        a = activity.c
        found: list[ColumnElement[bool]] = [a.type.in_(self.types)] if self.types else []
        found += [a.kind.in_(self.kinds)] if self.kinds else []
        found += [a.state.in_(self.states)] if self.states else []
        found += [a.session_id == self.session_id] if self.session_id else []
        found += [a.story_id == self.story_id] if self.story_id else []
        found += [sessions.c.user_ref == each for each in (self.user_ref, self.within_user) if each is not None]
        return found


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some entries in order, the position up to which everything was read for them, and the last one there is."""

    entries: Sequence[ActivityEntry]
    upto: int
    head: int

    @property
    def has_more(self) -> bool:
        """Return whether entries follow that have not been read."""
        return self.upto < self.head


def read(conn: Connection, account_id: UUID, after: int | None, limit: int) -> list[ActivityEntry]:
    """Return the entries after a position, at most `limit`; None reads from the oldest that is kept.

    Positions have no gaps, and no entry appears later below one that was read. Raises ActivityPurged.
    """
    return list(read_stretch(conn, account_id, after, limit, scan=limit).entries)


def read_stretch(
    conn: Connection,
    account_id: UUID,
    after: int | None,
    limit: int,
    *,
    wanted: ActivityFilter = ActivityFilter(),
    scan: int = SCAN_MAX,
) -> Stretch:
    """Return the entries after a position that are wanted: at most `limit`, of the next `scan` positions.

    So a filter that little passes is read in stretches, each from where the last one ended. Raises ActivityPurged.
    """
    at = head(conn, account_id)
    begins = at.purged if after is None else after
    ends = min(at.position, begins + scan)
    rows = conn.execute(_entries(account_id, begins, ends, wanted).limit(limit)) if begins < ends else ()
    entries = [ActivityEntry.from_row(row) for row in rows]
    # Looked at once more after the reading: what is purged meanwhile must not be missing from it unnoticed.
    purged = head(conn, account_id).purged if begins < ends else at.purged
    if begins < purged and after is not None:
        raise ActivityPurged(begins, purged + 1)
    return Stretch(entries, entries[-1].position if len(entries) == limit else max(begins, ends), at.position)


def _entries(account_id: UUID, after: int, upto: int, wanted: ActivityFilter) -> Select[Any]:
    a, s = activity.c, sessions.c
    return (
        select(*a, s.user_ref)
        .select_from(activity.outerjoin(sessions, s.id == a.session_id))
        .where(a.account_id == account_id, a.position > after, a.position <= upto, *wanted.conditions())
        .order_by(a.position)
    )
