"""Relatives of jobs that moved, in the transaction of the move: their waiting children and their parents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.engine.locking import lock_waiting, standing_of
from db.engine.moves import LockedMove, moved_ids
from db.statements import statement
from statemachine import relatives
from statemachine.relatives import Moved
from statemachine.vocabulary import State


def moves_below(conn: Connection, parents: Mapping[UUID, Moved]) -> list[LockedMove]:
    """Return the moves of the jobs that wait for `parents`, which move in the same transaction."""
    if not parents:
        return []
    ready = [job_id for job_id, moved in parents.items() if moved.state is State.SUCCEEDED]
    waiting = lock_waiting(conn, ready=ready, failed=list(parents.keys() - set(ready)))
    decisions = relatives.follow(parents, waiting)
    return [LockedMove(job_id, State.WAITING, decision) for job_id, decision in decisions.items()]


@dataclass(frozen=True, slots=True)
class _Parent:
    move: LockedMove
    output_id: UUID


def roll_back_parents(conn: Connection, ended: Sequence[UUID]) -> set[UUID]:
    """Roll back the parents of jobs that ended badly, if that was planned; return the ids of those parents.

    `lock_ending` has locked the parents.
    """
    parents = list(_parents(conn, ended))
    if parents:
        conn.execute(statement("retire_assets"), {"outputs": [parent.output_id for parent in parents]})
    return moved_ids(conn, [parent.move for parent in parents])


def _parents(conn: Connection, ended: Sequence[UUID]) -> Collection[_Parent]:
    found: dict[UUID, _Parent] = {}
    for row in conn.execute(statement("parents_to_roll_back"), {"jobs": list(ended)}):
        standing = standing_of(row)
        decision = relatives.roll_back(standing, is_used=row.is_used)
        if decision is not None:
            found[row.id] = _Parent(LockedMove(row.id, standing.state, decision), row.output_id)
    return found.values()
