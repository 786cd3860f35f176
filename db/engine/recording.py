"""Recording: moving claimed jobs and writing everything that belongs to each move, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.engine.compensations import settle_actions
from db.engine.locking import lock_ending
from db.engine.moves import LockedMove, Move, Moved, moved_ids, write_moves
from db.engine.relatives import moves_below, roll_back_parents
from db.engine.row_changes import write_row_changes
from db.records.ledger import settle_credits
from statemachine import relatives
from statemachine.commands import ENDED_BADLY, execute_cancel
from statemachine.decisions import Decision, Standing
from statemachine.vocabulary import State

__all__ = ["Move", "Moved", "Recorded", "record"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The result of a group of moves.

    `results` are in the order of the moves, None for a move that was dropped. `relatives` are the parents and children
    that moved as well, and the jobs whose cancel waited for the provider's response. `due_states` are the states of
    jobs that are due at once because their webhook arrived before the move.
    """

    moves: Sequence[Move]
    results: Sequence[Moved | None]
    relatives: frozenset[UUID]
    due_states: frozenset[State] = frozenset()

    @property
    def moved(self) -> dict[UUID, Moved]:
        """Return the moves that were recorded, by job."""
        return {move.job_id: moved for move, moved in zip(self.moves, self.results, strict=True) if moved}

    @property
    def job_ids(self) -> set[UUID]:
        """Return the jobs that changed: those that moved, and their relatives."""
        return self.moved.keys() | self.relatives


def record(conn: Connection, moves: Sequence[Move]) -> Recorded:
    """Record the moves whose leases are still valid, with their row changes and everything that follows from them.

    A move whose job is in another state or under another lease is dropped together with its row changes.
    Call it in a transaction, with at most one move per job.
    """
    parents = _lock_parents(conn, moves)
    results = write_moves(conn, moves)
    kept = [(move, moved) for move, moved in zip(moves, results, strict=True) if moved is not None]
    due_states = write_row_changes(conn, [change for move, _ in kept for change in move.row_changes])
    followers = _moves_that_follow(conn, kept)
    related = moved_ids(conn, followers) | _settle_ended(conn, kept, may_roll_back=bool(parents))
    return Recorded(moves, results, frozenset(related), frozenset(due_states))


def _lock_parents(conn: Connection, moves: Sequence[Move]) -> set[UUID]:
    """Lock the parents that these moves may roll back, together with the jobs that move; return the parents.

    Parents come first in the lock order, so they must be locked before the moves lock their children.
    """
    ended = [move.job_id for move in moves if move.decision.to_state in ENDED_BADLY]
    return lock_ending(conn, [move.job_id for move in moves], ended) if ended else set()


def _moves_that_follow(conn: Connection, kept: Iterable[tuple[Move, Moved]]) -> list[LockedMove]:
    """Return the moves that follow from recorded ones: noted cancels, and the moves of waiting jobs.

    A noted cancel is executed here and not by the next claim, which a pause, a provider outage or the account's limit
    may delay for hours.
    """
    cancels: list[LockedMove] = []
    parents: dict[UUID, relatives.Moved] = {}
    for move, moved in kept:
        decision = move.decision
        if moved.is_canceled and (executed := execute_cancel(_standing_after(decision))) is not None:
            cancels.append(LockedMove(move.job_id, decision.to_state, executed))
            decision = executed
        if _concerns_children(move.from_state, decision):
            parents[move.job_id] = relatives.Moved(decision.to_state, moved.is_canceled)
    return [*cancels, *moves_below(conn, parents)]


def _standing_after(decision: Decision) -> Standing:
    """Return the facts of a canceled job after a move. Its priority no longer matters."""
    return Standing(decision.to_state, 0, decision.failures, cancel_requested=True)


def _concerns_children(from_state: State, decision: Decision) -> bool:
    """Return True if the move decides the fate of waiting children: the job has succeeded, or never will."""
    begins_to_end = decision.to_state is State.COMPENSATING and from_state is not State.COMPENSATING
    return begins_to_end or decision.to_state is State.SUCCEEDED


def _settle_ended(conn: Connection, kept: Iterable[tuple[Move, Moved]], *, may_roll_back: bool) -> set[UUID]:
    """Settle the credits and actions of jobs that ended, and return the ids of the parents that are rolled back.

    One transaction does all of it, so no reader sees a part alone. Wallets come last in the lock order.
    """
    ended = [move.job_id for move, _ in kept if move.decision.to_state in ENDED_BADLY]
    succeeded = [move.job_id for move, moved in kept if move.decision.to_state is State.SUCCEEDED and moved.is_priced]
    parents = roll_back_parents(conn, ended) if ended and may_roll_back else set()
    if ended:
        settle_actions(conn, ended, rolled_back=parents)
    if ended or succeeded:
        settle_credits(conn, succeeded=succeeded, ended=ended)
    return parents
