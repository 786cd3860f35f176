"""The cost of jobs, paid and pending, and the orphans that went on without their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from db.engine.locking import lock_jobs
from db.statements import statement


@dataclass(frozen=True, slots=True)
class Spend:
    """The booked cost of a job's submissions, and the most that open ones may cost, in micro-dollars."""

    booked_micros: int
    open_micros: int

    def affords(self, price_micros: int, cap_micros: int) -> bool:
        """Return True if one more submission stays within the cap, even if every open one is charged in full."""
        return self.booked_micros + self.open_micros + price_micros <= cap_micros


@dataclass(frozen=True, slots=True)
class Orphan:
    """A submission that its job no longer waits for, and that may still exist at the provider.

    `age` is the time since its start, by the database's clock, when this was read; `noted_prediction_id` is the
    prediction, if known.
    """

    job_id: UUID
    attempt: int
    token: UUID
    picture_url: str | None
    is_traceable: bool
    model: str
    status: str
    reserved_micros: int
    noted_prediction_id: str | None
    age: timedelta
    is_last_search: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The current submission of a job, whose outcome is unknown; fields as in `Orphan`."""

    token: UUID
    picture_url: str | None
    is_traceable: bool
    noted_prediction_id: str | None
    age: timedelta


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of a search for an orphan. A final one is never searched for again."""

    job_id: UUID
    attempt: int
    status: str
    is_final: bool
    prediction_id: str | None = None
    cost_micros: int = 0


def spend_of(conn: Connection, job_id: UUID) -> Spend:
    """Return the booked cost of a job's submissions, and the most that open ones may cost."""
    row = conn.execute(statement("spend_of"), {"job_id": job_id}).one()
    return Spend(row.booked, row.open)


def lost_submission(conn: Connection, job_id: UUID, attempt: int) -> Lost | None:
    """Return the correlation ids of a submission, and the prediction that a webhook named for it, if any."""
    row = conn.execute(
        text(
            "SELECT token, picture_url, is_traceable, noted_prediction_id, diorama_now() - started_at AS age "
            "FROM attempts WHERE job_id = :job_id AND attempt = :attempt"
        ),
        {"job_id": job_id, "attempt": attempt},
    ).one_or_none()
    return None if row is None else Lost(**row._mapping)


def orphans(
    conn: Connection, *, is_test: bool, first_after: timedelta, last_after: timedelta, limit: int
) -> list[Orphan]:
    """Return the orphans that are due for a search, oldest first.

    The first search is due `first_after` the submission's start, the last one `last_after` it.
    """
    given = {"is_test": is_test, "first_after": first_after, "last_after": last_after, "limit": limit}
    rows = conn.execute(statement("orphans"), given)
    return [Orphan(**row._mapping) for row in rows]


def left_running(conn: Connection, *, is_test: bool, last_after: timedelta, limit: int) -> list[Orphan]:
    """Return the predictions that no job waits for and that could not be canceled, oldest first.

    The last search is due `last_after` the cancel was given up.
    """
    rows = conn.execute(statement("left_running"), {"is_test": is_test, "last_after": last_after, "limit": limit})
    return [Orphan(**row._mapping) for row in rows]


def settle(conn: Connection, found: Sequence[Settled]) -> int:
    """Book the results of searches and return how many were booked. Idempotent."""
    columns: dict[str, list[Any]] = {
        name: [getattr(each, name) for each in found] for name in Settled.__dataclass_fields__
    }
    lock_jobs(conn, columns["job_id"])
    return len(conn.execute(statement("settle_orphans"), columns).all())
