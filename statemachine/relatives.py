"""Decisions about the relatives of a job that moved: the children that wait for it, and its parent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from statemachine.backoff import head_start
from statemachine.decisions import PARENT_FAILED, ROLLED_BACK, Decision, Standing, compensate, move
from statemachine.vocabulary import ErrorCode, Event, State

# These errors are consequences of what happened to another job.
CONSEQUENCES = frozenset({ErrorCode.PARENT_FAILED, ErrorCode.ROLLED_BACK})

_WHY_ROLLED_BACK = "the job of the same story that was made from it failed"


@dataclass(frozen=True, slots=True)
class Moved:
    """The new state of a job that others may wait for, and whether it was canceled."""

    state: State
    is_canceled: bool = False


def is_consequence(error: ErrorCode | None) -> bool:
    """Return True if an error follows from what happened to another job."""
    return error in CONSEQUENCES


def root_causes(errors: Sequence[ErrorCode | None]) -> list[int]:
    """Return the places of the errors that the others follow from.

    Those that a retry may help with come first, and among them failures before cancels.
    `errors` are those of the jobs of one story, parents before children, with None for a job without an error. If there
    are only consequences, because the job whose error it was has been removed, the first of them stands for it.
    """
    found = [(place, error) for place, error in enumerate(errors) if error is not None]
    causes = [(place, error) for place, error in found if not is_consequence(error)] or found[:1]
    return [place for place, error in sorted(causes, key=lambda cause: _hopeless_last(cause[1]))]


def _hopeless_last(error: ErrorCode) -> tuple[bool, bool]:
    return not error.is_retryable, error is ErrorCode.CANCELED


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits for its parent."""

    id: UUID
    parent_id: UUID
    standing: Standing


def follow(moved: Mapping[UUID, Moved], waiting: Iterable[Waiting]) -> dict[UUID, Decision]:
    """Return the decision for each job that waits for one that moved, directly or through other waiting jobs.

    `waiting` are ordered by id, so parents come before children.
    """
    parents, decisions = dict(moved), dict[UUID, Decision]()
    for job in waiting:
        decision = after_parent(job.standing, parents.get(job.parent_id))
        if decision is not None:
            decisions[job.id] = decision
            is_canceled = job.standing.cancel_requested or decision.cancels
            parents[job.id] = Moved(decision.to_state, is_canceled)
    return decisions


def after_parent(job: Standing, parent: Moved | None) -> Decision | None:
    """Return the decision for a waiting job whose parent moved, or None if it goes on waiting.

    It is queued if its parent succeeded. It ends if its input will never exist, as canceled if its parent was canceled.
    """
    if parent is None or job.state is not State.WAITING:
        return None
    if parent.state is State.SUCCEEDED:
        return move(job, Event.PARENT_READY, due_in=-head_start(job.priority))
    if parent.state is State.COMPENSATING or parent.is_canceled:
        return replace(compensate(job, Event.PARENT_FAILED, PARENT_FAILED), reason=None, cancels=parent.is_canceled)
    return None


def roll_back(parent: Standing, *, is_used: bool) -> Decision | None:
    """Return the decision to roll back a job because the one made from it failed, or None if it stays.

    A parent that `is_used` for something else stays, because its owner already has it.
    """
    if parent.state is not State.SUCCEEDED or is_used:
        return None
    return replace(compensate(parent, Event.ROLLED_BACK, ROLLED_BACK, reason=_WHY_ROLLED_BACK), failures=0)
