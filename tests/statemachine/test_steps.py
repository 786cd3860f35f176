"""The table of steps: complete, and consistent with the transitions and with the steps that run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from jobs.providers.inputs import PictureInputs
from jobs.steps.by_state import steps_of
from jobs.steps.runtime import Runtime
from statemachine.steps import (
    COSTS_AN_ATTEMPT,
    FINISHING_STATES,
    PERCENT_AT,
    REDRIVEN_STEPS,
    SERVED,
    STEP_OF,
    STEP_SPECS,
    Kept,
    StepSpec,
    check,
    resuming_state,
)
from statemachine.transitions import TRANSITIONS, next_state
from statemachine.vocabulary import Event, State, Step

# Claimed only after a deadline or a lost lease, so that `interrupt` replaces their step.
ALWAYS_INTERRUPTED = {State.WAITING, State.SUBMITTING}
# The states in which a job that has been accepted may be, on its way to the end.
_ACCEPTED = (State.GENERATING, *FINISHING_STATES, State.SUCCEEDED)


def without(step: Step) -> tuple[StepSpec, ...]:
    return tuple(spec for spec in STEP_SPECS if spec.step is not step)


@pytest.mark.parametrize("step", Step)
def test_a_step_without_a_row_is_refused(step: Step) -> None:
    with pytest.raises(ValueError, match="the table of steps has"):
        check(without(step))


@pytest.mark.parametrize("spec", STEP_SPECS, ids=lambda spec: spec.step)
def test_a_state_that_no_step_serves_is_refused(spec: StepSpec) -> None:
    with pytest.raises(ValueError, match="the steps serve"):
        check((*without(spec.step), replace(spec, serves=spec.serves[1:])))


def test_a_state_that_two_steps_serve_is_refused() -> None:
    first, *others = STEP_SPECS
    with pytest.raises(ValueError, match="the steps serve"):
        check((replace(first, serves=(*first.serves, *others[0].serves)), *others))


def test_each_state_that_is_not_always_interrupted_has_a_step_that_runs() -> None:
    unused = cast("Any", None)
    runtime = Runtime(unused, unused, unused, PictureInputs(unused), unused, unused)
    assert set(steps_of(runtime)) == set(STEP_OF) - ALWAYS_INTERRUPTED


def test_each_state_begins_at_the_percentage_at_which_the_last_one_ended() -> None:
    moves = [rule for rule in TRANSITIONS if rule.to_state in _ACCEPTED and rule.from_state in STEP_OF]
    forward = [rule for rule in moves if rule.from_state is not rule.to_state]
    assert {rule.to_state for rule in forward} == set(_ACCEPTED)
    for rule in forward:
        assert rule.from_state is not None
        assert SERVED[rule.from_state].percent[1] == PERCENT_AT[rule.to_state], rule
    assert all(start <= end for start, end in (each.percent for each in SERVED.values()))


def test_a_redrive_resumes_where_the_job_was_when_the_result_had_just_been_kept() -> None:
    """Otherwise every redrive would skip a new step that does not declare which step it follows."""
    assert resuming_state(Kept.OUTPUT) is next_state(State.GENERATING, Event.OUTPUT_READY)
    assert resuming_state(Kept.SOURCE) is next_state(State.STORING, Event.STORED)


def test_a_redrive_can_reach_the_states_at_which_it_resumes() -> None:
    resumes = {State.WAITING, State.QUEUED, *map(resuming_state, Kept)}
    for ended in (State.FAILED, State.CANCELED):
        reached = {rule.to_state for rule in TRANSITIONS if (rule.from_state, rule.event) == (ended, Event.REDRIVEN)}
        assert reached >= resumes
    assert set(REDRIVEN_STEPS) >= {STEP_OF[state] for state in resumes}


def test_going_back_after_an_accepted_prediction_costs_an_attempt() -> None:
    back = {rule.event for rule in TRANSITIONS if rule.to_state is State.QUEUED and rule.from_state in _ACCEPTED}
    assert back == COSTS_AN_ATTEMPT
    assert Event.REFUSED not in COSTS_AN_ATTEMPT
