"""Decisions that people make about jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from statemachine import commands
from statemachine.deadlines import Deadlines
from statemachine.decisions import Standing
from statemachine.steps import Kept, resuming_state
from statemachine.vocabulary import ErrorCode, Event, State

HOUR = timedelta(hours=1)
AT_WORK = (State.WAITING, State.QUEUED, State.RECONCILING, State.GENERATING, State.STORING, State.TRANSCODING)


def standing(state: State, *, failures: int = 2, cancel_requested: bool = False) -> Standing:
    return Standing(state, 0, failures, cancel_requested)


@pytest.mark.parametrize("state", AT_WORK)
def test_a_cancel_that_need_not_wait_is_a_single_event(state: State) -> None:
    decision = commands.cancel(standing(state))
    assert decision is not None
    assert (decision.event, decision.to_state, decision.cancels) == (Event.CANCEL_REQUESTED, State.COMPENSATING, True)
    assert commands.execute_cancel(Standing(decision.to_state, 0, 0, cancel_requested=True)) is None


def test_a_cancel_of_a_submission_is_noted_once() -> None:
    decision = commands.cancel(standing(State.SUBMITTING))
    assert decision is not None
    assert (decision.event, decision.to_state, decision.failure) == (Event.CANCEL_REQUESTED, State.SUBMITTING, None)
    assert commands.cancel(standing(State.SUBMITTING, cancel_requested=True)) is None


@pytest.mark.parametrize("state", [State.QUEUED, State.GENERATING, State.RECONCILING])
def test_a_noted_cancel_is_executed_by_another_event(state: State) -> None:
    decision = commands.execute_cancel(standing(state, cancel_requested=True))
    assert decision is not None
    assert (decision.event, decision.to_state) == (Event.CANCEL_EXECUTED, State.COMPENSATING)
    assert commands.execute_cancel(standing(state)) is None


@pytest.mark.parametrize("state", [State.COMPENSATING, State.SUCCEEDED, State.FAILED, State.CANCELED])
def test_a_job_that_has_ended_or_is_compensating_cannot_be_canceled(state: State) -> None:
    assert not commands.can_be_canceled(standing(state))


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELED])
def test_a_redrive_begins_a_cycle_with_its_own_time(state: State) -> None:
    decision = commands.redrive(standing(state), State.QUEUED, deadline=HOUR, reason="back")
    assert decision is not None
    assert (decision.new_deadline_in, decision.failures) == (HOUR, 0)


def test_a_redrive_has_the_head_start_of_its_priority() -> None:
    decision = commands.redrive(standing(State.FAILED), State.QUEUED, deadline=HOUR, reason=None)
    assert decision is not None
    assert decision.due_in == -timedelta(minutes=10)


@pytest.mark.parametrize("state", sorted(set(State) - commands.ENDED_BADLY))
def test_nothing_else_is_redriven_or_undone_again(state: State) -> None:
    assert commands.redrive(standing(state), State.QUEUED, deadline=HOUR, reason=None) is None
    assert commands.undo_again(standing(state), None) is None


def test_a_job_that_is_undone_again_keeps_its_error() -> None:
    decision = commands.undo_again(standing(State.FAILED), "support wants it")
    assert decision is not None
    assert (decision.to_state, decision.keeps_error, decision.failures) == (State.COMPENSATING, True, 0)


@pytest.mark.parametrize(
    ("kept", "state"),
    [
        ({"has_source": True}, resuming_state(Kept.SOURCE)),
        ({"output_age": timedelta(minutes=49)}, State.STORING),
        ({"output_age": timedelta(minutes=50)}, State.QUEUED),
        ({"output_age": timedelta(minutes=1), "error": ErrorCode.OUTPUT_INVALID}, State.QUEUED),
        ({}, State.QUEUED),
    ],
)
def test_a_redriven_job_resumes_where_its_result_is_missing(kept: dict[str, object], state: State) -> None:
    nothing: dict[str, object] = {"has_source": False, "output_age": None, "error": ErrorCode.INTERNAL}
    assert commands.resume_at(**(nothing | kept), deadlines=Deadlines()) is state  # type: ignore[arg-type]
