"""Deadlines: of the whole job, and of the steps that have their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from statemachine import outcomes as o
from statemachine.backoff import JobPolicy
from statemachine.deadlines import Deadlines
from statemachine.decisions import interrupt
from statemachine.vocabulary import TERMINAL, ErrorCode, Event, State
from tests.statemachine.facts import NOW, decided, facts

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
FAR = NOW + 24 * HOUR
LIMITED = {
    State.GENERATING: timedelta(minutes=90),
    State.STORING: timedelta(minutes=50),
    State.TRANSCODING: timedelta(hours=2),
}
NEVER = (State.RECONCILING, State.COMPENSATING)
PATIENCE = o.Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", o.RetryPolicy.WAIT, retry_after_s=36_000)


def ended(state: State, *, entered_at: datetime = NOW, deadline_at: datetime = FAR) -> str | None:
    """Return the reason for which the clock alone ends a job now, or None."""
    decision = interrupt(facts(state, entered_at=entered_at, deadline_at=deadline_at), NOW, JobPolicy())
    if decision is None:
        return None
    assert (decision.event, decision.to_state) == (Event.DEADLINE_PASSED, State.COMPENSATING)
    assert decision.failure is not None
    assert decision.failure.code is ErrorCode.DEADLINE_EXCEEDED
    return decision.reason


@pytest.mark.parametrize(("state", "limit"), LIMITED.items())
def test_a_step_ends_at_its_own_deadline_and_not_before(state: State, limit: timedelta) -> None:
    assert ended(state, entered_at=NOW - limit + SECOND) is None
    assert ended(state, entered_at=NOW - limit) == f"the deadline of the step, {state}, has passed"


@pytest.mark.parametrize("state", [State.WAITING, State.QUEUED, *LIMITED])
def test_the_deadline_of_a_job_ends_it_in_any_state_that_waits(state: State) -> None:
    assert ended(state, deadline_at=NOW + SECOND) is None
    assert ended(state, deadline_at=NOW) == "the deadline of the job has passed"


@pytest.mark.parametrize("state", [State.WAITING, State.QUEUED])
def test_a_queued_job_has_only_its_own_deadline(state: State) -> None:
    assert ended(state, entered_at=NOW - 23 * HOUR) is None


@pytest.mark.parametrize("state", NEVER)
def test_the_clock_never_ends_a_submission_or_a_compensation(state: State) -> None:
    assert ended(state, entered_at=NOW - 99 * HOUR, deadline_at=NOW - 99 * HOUR) is None


@pytest.mark.parametrize(("state", "limit"), LIMITED.items())
def test_no_wait_exceeds_the_deadline_of_its_step(state: State, limit: timedelta) -> None:
    job = facts(state, entered_at=NOW - limit + 60 * SECOND, deadline_at=FAR)
    assert decided(job, o.StepFailed(PATIENCE)).due_in == 60 * SECOND
    assert decided(replace(job, deadline_at=NOW + 9 * SECOND), o.StepFailed(PATIENCE)).due_in == 9 * SECOND


def test_a_wait_in_the_queue_ends_with_the_job() -> None:
    job = facts(State.SUBMITTING, deadline_at=NOW + HOUR)
    assert decided(job, o.Refused(PATIENCE)).due_in == HOUR


def test_compensation_keeps_its_waits_after_the_deadline() -> None:
    job = facts(State.COMPENSATING, deadline_at=NOW - HOUR)
    assert decided(job, o.StepFailed(PATIENCE)).due_in == 10 * HOUR


def test_outputs_outlast_the_deadline_of_storing() -> None:
    """The provider removes outputs an hour after it has finished, and a poll may be some minutes late."""
    assert Deadlines().of_states[State.STORING] <= timedelta(minutes=50)


def test_the_clock_can_end_every_state_except_those_with_their_own_limit() -> None:
    ends = {state for state in State if Deadlines().end_of(state, NOW, FAR) is not None}
    assert ends == set(State) - TERMINAL - {State.SUBMITTING, *NEVER}
