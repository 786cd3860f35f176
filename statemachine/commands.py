"""Decisions about commands by people: cancel a job, redrive it, undo it again.

The caller has locked the job, so its facts stay true until the decision is recorded. The move then fences off the
worker that leases the job, unless that worker waits for the outcome of a submission.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from statemachine.backoff import head_start
from statemachine.deadlines import Deadlines
from statemachine.decisions import CANCELED_BY_REQUEST, Decision, Standing, compensate, move
from statemachine.steps import Kept, resuming_state
from statemachine.vocabulary import ErrorCode, Event, State

ENDED_BADLY = frozenset({State.FAILED, State.CANCELED})


def can_be_canceled(job: Standing) -> bool:
    """Return True if the job has neither ended nor begun to end."""
    return not job.state.is_terminal and job.state is not State.COMPENSATING


def can_be_retried(state: State, error: ErrorCode | None) -> bool:
    """Return True if the owner may retry a job: it ended badly, by itself, and the same request has a fair chance."""
    return state in ENDED_BADLY and (error is None or error.is_retryable)


def cancel(job: Standing) -> Decision | None:
    """Return the decision to cancel a job that can be canceled, or None if its cancel is already noted.

    Only a submission whose outcome is known can be undone. Until then the cancel is noted, and the job stays with the
    worker that waits for the provider's response.
    """
    if job.state is not State.SUBMITTING:
        return replace(compensate(job, Event.CANCEL_REQUESTED, CANCELED_BY_REQUEST, reason=None), cancels=True)
    if job.cancel_requested:
        return None
    return replace(move(job, Event.CANCEL_REQUESTED, due_in=timedelta(0)), cancels=True)


def execute_cancel(job: Standing) -> Decision | None:
    """Return the decision that executes a noted cancel once the job has left `submitting`.

    None if no cancel was noted, or the job is compensating or has ended anyway.
    """
    if not job.cancel_requested or not can_be_canceled(job):
        return None
    return compensate(job, Event.CANCEL_EXECUTED, CANCELED_BY_REQUEST)


def resume_at(
    *, has_source: bool, output_age: timedelta | None, error: ErrorCode | None, deadlines: Deadlines
) -> State:
    """Return the state in which a job that ended resumes: the first one whose result is missing.

    A stored source needs no second payment, nor does an output while the provider keeps it (`output_age`).
    """
    if has_source:
        return resuming_state(Kept.SOURCE)
    state = resuming_state(Kept.OUTPUT)
    is_usable = error is None or not error.invalidates_output
    return state if is_usable and output_age is not None and output_age < deadlines.of_states[state] else State.QUEUED


def redrive(job: Standing, to_state: State, *, deadline: timedelta, reason: str | None) -> Decision | None:
    """Return the decision to begin another cycle of a job in `to_state`, or None for a job that did not end badly.

    The cycle is overdue after `deadline`.
    """
    if job.state not in ENDED_BADLY:
        return None
    begun = move(job, Event.REDRIVEN, to_state, due_in=_due_after_redrive(job, to_state, deadline))
    return replace(begun, failures=0, reason=reason, new_deadline_in=deadline)


def _due_after_redrive(job: Standing, to_state: State, deadline: timedelta) -> timedelta:
    match to_state:
        case State.WAITING:
            return deadline
        case State.QUEUED:
            return -head_start(job.priority)
        case _:
            # It needs no submission, and it is urgent: outputs vanish in an hour.
            return timedelta(0)


def undo_again(job: Standing, reason: str | None) -> Decision | None:
    """Return the decision to compensate a job again, or None for a job that did not end badly."""
    if job.state not in ENDED_BADLY:
        return None
    again = move(job, Event.UNDO_RETRIED, due_in=timedelta(0))
    return replace(again, failures=0, reason=reason, keeps_error=True)
