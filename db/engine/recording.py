"""Recording: moving claimed jobs, and writing what goes with each move, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.engine.claims import Claim
from db.engine.compensations import settle_ended
from db.engine.row_changes import Effect, apply_effects
from db.records.ledger import settle_credits
from db.statements import as_json, statement
from statemachine.decisions import CANCELED_BY_REQUEST, PARENT_FAILED, Decision
from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class Move:
    """One decided move of a claimed job, and the rows that go with it.

    `attempts_begun` is 1 where the move begins a paid submission. `hold_for` claims the job for the same worker's next
    step, for that long; with `keep_lease` the same step goes on, under a lease that lasts so long from now.
    """

    claim: Claim
    from_state: State
    decision: Decision
    actor: str = "worker"
    attempts_begun: int = 0
    keep_lease: bool = False
    hold_for: timedelta | None = None
    output_id: UUID | None = None
    effects: tuple[Effect, ...] = ()


def _given(number: int, move: Move) -> dict[str, Any]:
    """Return a move as `record_moves.sql` reads it. What is left out is null there."""
    decision, failure = move.decision, move.decision.failure
    given: dict[str, Any] = {
        "number": number,
        "id": move.claim.job_id,
        "lease": move.claim.lease,
        "from_state": move.from_state,
        "event": decision.event,
        "to_state": decision.to_state,
        "actor": move.actor,
        "percent": decision.percent,
        "failures": decision.failures,
        "attempts_begun": move.attempts_begun,
        "keep_lease": move.keep_lease,
        "cost_micros": decision.cost_micros,
    }
    if decision.due_in is not None:
        given["due_in_s"] = decision.due_in.total_seconds()
    if move.hold_for is not None:
        given["held_for_s"] = move.hold_for.total_seconds()
    if move.output_id is not None:
        given["output_id"] = move.output_id
    if decision.is_free:
        given["is_free"] = True
    if decision.reason is not None:
        given["reason"] = decision.reason
    if failure is not None:
        given |= {
            "error_code": failure.code,
            "error_message": failure.message,
            "error_detail": failure.detail,
        }
    return given


@dataclass(frozen=True, slots=True)
class Moved:
    """A move that was recorded at the database's time `at`: the job's lease now, and whether it is held on.

    `is_priced` is whether the job costs credits, `is_canceled` whether somebody has asked for its end. The fields are
    what `record_moves.sql` returns after the move's number, in that order.
    """

    lease: int
    held: bool
    is_priced: bool
    at: datetime
    is_canceled: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a group of moves did: of each what came of it, and whatever else is due because of them.

    `results` are in the order of the moves, None for one that was no longer held. `relatives` are the parents and
    children that moved along, and the jobs whose cancel has waited for the answer. `told` are the states of jobs that
    are due at once because a webhook was there before the move.
    """

    moves: Sequence[Move]
    results: Sequence[Moved | None]
    relatives: frozenset[UUID]
    told: frozenset[State] = frozenset()

    @property
    def moved(self) -> dict[UUID, Moved]:
        """Those that were still held, by job."""
        return {move.claim.job_id: moved for move, moved in zip(self.moves, self.results, strict=True) if moved}

    @property
    def job_ids(self) -> set[UUID]:
        """The jobs that somebody may want to look at now: those that moved, and their relatives that did."""
        return self.moved.keys() | self.relatives


def record(conn: Connection, moves: Sequence[Move]) -> Recorded:
    """Record the moves that are still held, with what goes with them.

    A move whose job is in another state, or under another lease, is dropped with everything that goes with it.
    Call it in a transaction; at most one move a job.
    """
    # Moves and their results are told apart by number: an id is hashed by the interpreter, many times more slowly.
    in_order = sorted(enumerate(moves), key=lambda numbered: numbered[1].claim.job_id.int)
    results: list[Moved | None] = [None] * len(moves)
    for number, *what in conn.execute(statement("record_moves"), {"moves": as_json(starmap(_given, in_order))}):
        results[number] = Moved(*what)
    held = [(move, moved) for move, moved in zip(moves, results, strict=True) if moved is not None]
    told = apply_effects(conn, [effect for move, _ in held for effect in move.effects])
    relatives = _settle_children(conn, [move for move, _ in held]) | _carry_out_cancels(conn, held)
    relatives |= _settle_ended(conn, held)
    return Recorded(moves, results, frozenset(relatives), frozenset(told))


def _settle_ended(conn: Connection, held: Iterable[tuple[Move, Moved]]) -> set[UUID]:
    """Settle what goes with the end of jobs, and return the ids of the parents that are rolled back.

    The wallets come last, for whoever else needs them waits from then to the commit.
    """
    ended = [move.claim.job_id for move, _ in held if move.decision.to_state in (State.FAILED, State.CANCELED)]
    succeeded = [
        move.claim.job_id for move, moved in held if move.decision.to_state is State.SUCCEEDED and moved.is_priced
    ]
    parents = settle_ended(conn, ended) if ended else set()
    if ended or succeeded:
        settle_credits(conn, succeeded=succeeded, ended=ended)
    return parents


def _carry_out_cancels(conn: Connection, held: Iterable[tuple[Move, Moved]]) -> set[UUID]:
    """Cancel the jobs for whose answer a cancel has waited; return their ids and those of their children.

    Nobody may claim them first: their step may be paused, the provider away or their account without room for hours.
    """
    waited = [
        move.claim.job_id
        for move, moved in held
        if moved.is_canceled
        and move.from_state is State.SUBMITTING
        and move.decision.to_state is not State.COMPENSATING
    ]
    for job_id in waited:
        cancel(conn, job_id, "worker")
    return {*waited, *fail_descendants(conn, waited)} if waited else set()


def _settle_children(conn: Connection, moves: Iterable[Move]) -> set[UUID]:
    """Queue the children of what succeeded and end those of what failed; return the ids of the children."""
    ready = [move.claim.job_id for move in moves if move.decision.to_state is State.SUCCEEDED]
    failed = [
        move.claim.job_id
        for move in moves
        if move.decision.to_state is State.COMPENSATING and move.from_state is not State.COMPENSATING
    ]
    return (release_children(conn, ready) if ready else set()) | (fail_descendants(conn, failed) if failed else set())


def release_children(conn: Connection, parents: Sequence[UUID]) -> set[UUID]:
    """Queue the jobs that waited for `parents`, which have succeeded; return their ids."""
    return {row.id for row in conn.execute(statement("release_children"), {"parents": list(parents)})}


def fail_descendants(conn: Connection, parents: Sequence[UUID]) -> set[UUID]:
    """Send the jobs that wait for `parents`, directly or through others, to compensating; return their ids."""
    given = {
        "parents": list(parents),
        "error_code": PARENT_FAILED.code,
        "error_message": PARENT_FAILED.message,
    }
    return {row.id for row in conn.execute(statement("fail_descendants"), given)}


def cancel(conn: Connection, job_id: UUID, actor: str) -> bool:
    """Send a job to compensating at once; while a submission is under way, note the wish. False if it has ended."""
    given = {
        "id": job_id,
        "actor": actor,
        "error_code": CANCELED_BY_REQUEST.code,
        "error_message": CANCELED_BY_REQUEST.message,
    }
    return conn.execute(statement("cancel"), given).one_or_none() is not None
