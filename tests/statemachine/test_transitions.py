"""The table of transitions: legal and illegal moves."""

from __future__ import annotations

from itertools import product

import pytest

from statemachine.steps import STEP_OF
from statemachine.transitions import RETIRED, TRANSITIONS, IllegalTransition, Transition, next_state, next_states
from statemachine.vocabulary import TERMINAL, Event, State

LEGAL = {(rule.from_state, rule.event, rule.to_state) for rule in TRANSITIONS}
SOURCES: tuple[State | None, ...] = (None, *State)


@pytest.mark.parametrize("rule", TRANSITIONS, ids=str)
def test_every_rule_of_the_table_is_a_legal_move(rule: Transition) -> None:
    assert next_state(rule.from_state, rule.event, rule.to_state) is rule.to_state


@pytest.mark.parametrize(("source", "event"), list(product(SOURCES, Event)))
def test_a_move_that_is_not_in_the_table_is_illegal(source: State | None, event: Event) -> None:
    for target in State:
        if (source, event, target) not in LEGAL:
            with pytest.raises(IllegalTransition):
                next_state(source, event, target)


def test_a_choice_must_be_made_where_the_table_leaves_one() -> None:
    assert len(next_states(State.GENERATING, Event.GENERATION_FAILED)) == 2
    with pytest.raises(IllegalTransition):
        next_state(State.GENERATING, Event.GENERATION_FAILED)


def test_no_rule_is_declared_twice() -> None:
    assert len(LEGAL) == len(TRANSITIONS)


def test_a_retired_move_is_illegal() -> None:
    assert LEGAL.isdisjoint((rule.from_state, rule.event, rule.to_state) for rule in RETIRED)


def test_every_state_can_be_reached_and_every_unfinished_one_left() -> None:
    reached: set[State | None] = {None}
    while grown := {rule.to_state for rule in TRANSITIONS if rule.from_state in reached} - reached:
        reached |= grown
    assert reached == set(SOURCES)
    left = {rule.from_state for rule in TRANSITIONS if rule.to_state is not rule.from_state}
    assert left >= set(State) - TERMINAL


def test_every_unfinished_state_has_a_step_and_no_finished_one_has() -> None:
    assert set(STEP_OF) == set(State) - TERMINAL


def test_undoing_is_the_only_way_to_failed_and_canceled() -> None:
    """No job ends badly without being undone first."""
    sources = {rule.from_state for rule in TRANSITIONS if rule.to_state in (State.FAILED, State.CANCELED)}
    assert sources == {State.COMPENSATING}
