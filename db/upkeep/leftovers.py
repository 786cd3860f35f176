"""The objects of an attempt that rows still name, for a worker whose own objects were not recorded."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.statements import statement
from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class Leftovers:
    """A job's state, whether it is working on the attempt, and the keys of the objects its rows name."""

    state: State
    at_work: bool
    named: frozenset[str]


def leftovers_of(conn: Connection, job_id: UUID, attempt: int) -> Leftovers | None:
    """Read the objects left by an attempt, or return None if there is no such job.

    Locks the job until the transaction ends, so that no other worker can start writing the same keys for good.
    """
    conn.execute(statement("lock_job"), {"id": job_id})
    row = conn.execute(statement("left_objects"), {"id": job_id, "attempt": attempt}).one_or_none()
    return None if row is None else Leftovers(State(row.state), row.at_work, frozenset(row.named))
