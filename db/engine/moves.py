"""Moves of jobs, and the one statement that writes them.

Nothing else changes the state of a job. Every move is a decision of `statemachine`, made by a worker under its lease
(`Move`) or by a transaction that has locked the job (`LockedMove`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.engine.claims import Claim
from db.engine.row_changes import RowChange
from db.statements import as_json, execute
from statemachine.decisions import Decision
from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class Move:
    """One decided move of a claimed job, and the rows that change with it.

    `attempts_begun` is 1 if the move begins a paid submission. `lease_for` claims the job for the same worker's next
    step for that long; with `keep_lease` it prolongs the lease of the present step instead.
    """

    claim: Claim
    from_state: State
    decision: Decision
    actor: str = "worker"
    attempts_begun: int = 0
    keep_lease: bool = False
    lease_for: timedelta | None = None
    output_id: UUID | None = None
    row_changes: tuple[RowChange, ...] = ()

    @property
    def job_id(self) -> UUID:
        """Return the id of the job that moves."""
        return self.claim.job_id

    def fields(self) -> dict[str, Any]:
        """Return the fields of `record_moves.sql` that only a worker's move has."""
        given: dict[str, Any] = {
            "lease": self.claim.lease,
            "attempts_begun": self.attempts_begun,
            "keep_lease": self.keep_lease,
        }
        if self.lease_for is not None:
            given["lease_for_s"] = self.lease_for.total_seconds()
        if self.output_id is not None:
            given["output_id"] = self.output_id
        return given


@dataclass(frozen=True, slots=True)
class LockedMove:
    """One decided move of a job that the transaction has locked in `from_state`.

    `canceled_by` is the actor that canceled it. The move fences off the worker that leases the job, except with
    `keep_lease`.
    """

    job_id: UUID
    from_state: State
    decision: Decision
    actor: str = "worker"
    canceled_by: str | None = None
    keep_lease: bool = False

    def fields(self) -> dict[str, Any]:
        """Return the fields of `record_moves.sql` that only such a move has."""
        return {"attempts_begun": 0, "keep_lease": self.keep_lease, "canceled_by": self.canceled_by}


@dataclass(frozen=True, slots=True)
class Moved:
    """A move that was recorded at the database's time `at`, and the job's lease after it.

    `is_leased` says whether the job is still claimed, `is_priced` whether it costs credits, `is_canceled` whether a
    cancel was requested. The fields are the columns that `record_moves.sql` returns after the move's number.
    """

    lease: int
    is_leased: bool
    is_priced: bool
    at: datetime
    is_canceled: bool
    percent: int
    accepted: int


_RETURNED = ("number", *Moved.__dataclass_fields__)


def write_moves(conn: Connection, moves: Sequence[Move | LockedMove]) -> list[Moved | None]:
    """Write moves, at most one per job, and return their results in order; None for a move that was dropped."""
    # Moves and their results are matched by number: an id is hashed by the interpreter, many times more slowly.
    in_order = sorted(enumerate(moves), key=lambda numbered: numbered[1].job_id.int)
    results: list[Moved | None] = [None] * len(moves)
    rows = execute(conn, "record_moves", given={"moves": as_json(starmap(_given, in_order))})
    if rows and rows[0]._fields != _RETURNED:
        raise TypeError(f"record_moves.sql returns {', '.join(rows[0]._fields)}")
    for number, *columns in rows:
        results[number] = Moved(*columns)
    return results


def moved_ids(conn: Connection, moves: Iterable[LockedMove]) -> set[UUID]:
    """Write moves of locked jobs and return the ids of those jobs."""
    given = list(moves)
    if not given:
        return set()
    return {move.job_id for move, moved in zip(given, write_moves(conn, given), strict=True) if moved}


def _given(number: int, move: Move | LockedMove) -> dict[str, Any]:
    """Return a move as `record_moves.sql` reads it. Omitted fields are null there."""
    decision = move.decision
    given: dict[str, Any] = {
        "number": number,
        "id": move.job_id,
        "from_state": move.from_state,
        "event": decision.event,
        "to_state": decision.to_state,
        "actor": move.actor,
        "percent": decision.percent,
        "failures": decision.failures,
        "cost_micros": decision.cost_micros,
    }
    given |= move.fields()
    if decision.due_in is not None:
        given["due_in_s"] = decision.due_in.total_seconds()
    if decision.reason is not None:
        given["reason"] = decision.reason
    if decision.failure is not None:
        given["error_code"] = decision.failure.code
        given["error_message"] = decision.failure.message
        given["error_detail"] = decision.failure.detail
    if decision.new_deadline_in is not None:
        given["new_deadline_in_s"] = decision.new_deadline_in.total_seconds()
    flags = _flags_of(decision)
    if any(flags):
        given |= zip(_FLAGS, flags, strict=True)
    return given


_FLAGS = ("is_accepted", "is_free", "keeps_error", "cancels")
_flags_of = attrgetter(*_FLAGS)
