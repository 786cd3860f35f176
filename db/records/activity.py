"""The activity of an account as it is read: entries after a position, in the one order that every reader sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from db.tables import activity, activity_heads, sessions
from statemachine.vocabulary import ActivityType, Event, Kind, State


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
    entry to the next. `user_ref` is the session's user, by the name of today.
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

    @classmethod
    def from_row(cls, row: Any) -> ActivityEntry:
        """Return the entry of a row; raise ValueError for a word of a newer program."""
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


def read(conn: Connection, account_id: UUID, after: int | None, limit: int) -> list[ActivityEntry]:
    """Return the entries after a position, at most `limit`; None reads from the oldest that is kept.

    Positions have no gaps, and no entry appears later below one that was read. Raises ActivityPurged.
    """
    oldest = (func.coalesce(_purged(account_id), 0) + 1).label("oldest")
    a, s = activity.c, sessions.c
    query = (
        select(
            a.position, a.type, a.at, a.job_id, a.seq, a.story_id, a.session_id, s.user_ref, a.kind, a.state, a.event
        )
        .select_from(activity.outerjoin(sessions, s.id == a.session_id))
        .where(a.account_id == account_id, a.position > (after or 0))
        .order_by(a.position)
        .limit(limit)
    )
    # The entries first: what is purged between the two statements is then missed by the check, and not by the reader.
    entries = [ActivityEntry.from_row(row) for row in conn.execute(query)]
    if after is not None and after + 1 < (first := conn.scalar(select(oldest)) or 1):
        raise ActivityPurged(after, first)
    return entries


def _purged(account_id: UUID) -> Any:
    return select(activity_heads.c.purged).where(activity_heads.c.account_id == account_id).scalar_subquery()
