"""What of an attempt's objects the rows still name, for whoever wrote some in vain."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.statements import statement
from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class Leftovers:
    """A job's state, whether it is at work on the attempt, and the keys of objects that its rows name."""

    state: State
    at_work: bool
    named: frozenset[str]


def leftovers_of(conn: Connection, job_id: UUID, attempt: int) -> Leftovers | None:
    """Read what may be left of an attempt, or None where there is no such job.

    The job can not move until the transaction ends, so that nobody begins to write the same keys for good.
    """
    conn.execute(statement("lock_job"), {"id": job_id})
    row = conn.execute(statement("left_objects"), {"id": job_id, "attempt": attempt}).one_or_none()
    return None if row is None else Leftovers(State(row.state), row.at_work, frozenset(row.named))
