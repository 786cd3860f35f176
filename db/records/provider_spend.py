"""Payments to the provider, by our own books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from db.ids import least_id_at
from db.tables import attempts

# Attempts that the provider did not charge for, as far as is known.
_NEVER_TAKEN = ("refused", "rejected", "absent")


@dataclass(frozen=True, slots=True)
class Spending:
    """The submissions that the provider accepted: how many, and what they cost."""

    submissions: int
    cost_micros: int


def spent_on_jobs_since(conn: Connection, time: datetime) -> Spending:
    """Add up the submissions of the jobs requested since then. Reads only those."""
    taken = func.count().filter(attempts.c.status.not_in(_NEVER_TAKEN))
    found = select(taken, func.coalesce(func.sum(attempts.c.cost_micros), 0)).where(
        attempts.c.job_id >= least_id_at(time)
    )
    submissions, cost_micros = conn.execute(found).one()
    return Spending(submissions, int(cost_micros))
