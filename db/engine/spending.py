"""What jobs have paid and may yet have to pay, and the submissions that went on without their jobs."""

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
    """What the submissions of a job have cost and what the open ones may cost, in micro-dollars."""

    booked_micros: int
    open_micros: int

    def affords(self, price_micros: int, cap_micros: int) -> bool:
        """Return whether one more submission stays within the cap, should every open one be charged in full."""
        return self.booked_micros + self.open_micros + price_micros <= cap_micros


@dataclass(frozen=True, slots=True)
class Orphan:
    """A submission that its job no longer waits for, and that may yet exist at the provider.

    `age` is how long ago it was begun, by the database's clock, when this was read; `noted_prediction_id` is the
    prediction, where it is known.
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
    """The current submission of a job, whose outcome is not known; fields as those of `Orphan`."""

    token: UUID
    picture_url: str | None
    is_traceable: bool
    noted_prediction_id: str | None
    age: timedelta


@dataclass(frozen=True, slots=True)
class Settled:
    """What a look at a stray submission found. A final one is never looked for again."""

    job_id: UUID
    attempt: int
    status: str
    is_final: bool
    prediction_id: str | None = None
    cost_micros: int = 0


def spend_of(conn: Connection, job_id: UUID) -> Spend:
    """Return what a job's submissions have cost so far, and what those that are still open may cost."""
    row = conn.execute(statement("spend_of"), {"job_id": job_id}).one()
    return Spend(row.booked, row.open)


def lost_submission(conn: Connection, job_id: UUID, attempt: int) -> Lost | None:
    """Return what a submission is recognized by, and the prediction that a webhook named for it, if any did."""
    row = conn.execute(
        text(
            "SELECT token, picture_url, is_traceable, noted_prediction_id, diorama_now() - started_at AS age "
            "FROM attempts WHERE job_id = :job_id AND attempt = :attempt"
        ),
        {"job_id": job_id, "attempt": attempt},
    ).one_or_none()
    return None if row is None else Lost(**row._mapping)


def orphans(conn: Connection, *, first_after: timedelta, last_after: timedelta, limit: int) -> list[Orphan]:
    """Return the stray submissions that are due for a look, the oldest first.

    The first look is due `first_after` a submission's start, the last one `last_after` it.
    """
    given = {"first_after": first_after, "last_after": last_after, "limit": limit}
    rows = conn.execute(statement("orphans"), given)
    return [Orphan(**row._mapping) for row in rows]


def left_running(conn: Connection, *, last_after: timedelta, limit: int) -> list[Orphan]:
    """Return the predictions that nobody waits for and that could not be canceled, the oldest first.

    The last look is due `last_after` the cancel was given up.
    """
    rows = conn.execute(statement("left_running"), {"last_after": last_after, "limit": limit})
    return [Orphan(**row._mapping) for row in rows]


def settle(conn: Connection, found: Sequence[Settled]) -> int:
    """Book what the looks found and return for how many. Calling it twice books nothing twice."""
    columns: dict[str, list[Any]] = {
        name: [getattr(each, name) for each in found] for name in Settled.__dataclass_fields__
    }
    lock_jobs(conn, columns["job_id"])
    return len(conn.execute(statement("settle_orphans"), columns).all())
