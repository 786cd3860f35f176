"""Statistics of jobs by hour and by day, from a table that is rolled up as jobs end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, func, select

from db.statements import statement
from db.support_tables import job_statistics
from statemachine.relatives import CONSEQUENCES
from statemachine.vocabulary import ErrorCode, Interval, State

# The rows for all accounts together.
ALL_ACCOUNTS = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Ended:
    """The jobs that ended alike in one interval, and their cost. `bucket` is that of a success's time to result."""

    starts_at: datetime
    outcome: State
    error_code: ErrorCode | None
    bucket: int
    jobs: int
    spend_micros: int


def roll_up(conn: Connection) -> int:
    """Count the jobs that have ended since the last call, and return how many did. Each ending is counted once."""
    given = {"consequences": sorted(CONSEQUENCES)}
    return conn.scalar(statement("roll_up_statistics"), given) or 0


def purge_hours(conn: Connection, kept_for: timedelta) -> None:
    """Remove the hours that are older; days are kept forever."""
    s = job_statistics.c
    conn.execute(delete(job_statistics).where(s.unit == Interval.HOUR, s.starts_at < func.diorama_now() - kept_for))


def ended_jobs(
    conn: Connection,
    account_id: UUID | None,
    kinds: Collection[str],
    by: Interval,
    start: datetime,
    end: datetime,
) -> list[Ended]:
    """Return what ended in the intervals that begin in [start, end): of one account or of all, of some kinds or all."""
    s = job_statistics.c
    key = (s.starts_at, s.outcome, s.error_code, s.bucket)
    query = select(*key, func.sum(s.jobs).label("jobs"), func.sum(s.spend_micros).label("spend_micros"))
    query = query.where(s.account_id == (account_id or ALL_ACCOUNTS), s.unit == by)
    query = query.where(s.starts_at >= start, s.starts_at < end).group_by(*key).order_by(*key)
    query = query.where(s.kind.in_(kinds)) if kinds else query
    return [
        Ended(
            row.starts_at,
            State(row.outcome),
            ErrorCode(row.error_code) if row.error_code else None,
            row.bucket,
            int(row.jobs),
            int(row.spend_micros),
        )
        for row in conn.execute(query)
    ]
