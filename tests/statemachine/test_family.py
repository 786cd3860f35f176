"""Everything that can happen to a story of several scenes is explored: siblings and parents do each other no harm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import pytest

from statemachine import relatives
from statemachine.decisions import Decision, Standing
from statemachine.relatives import Moved, Waiting
from statemachine.vocabulary import OnFailure, State
from tests.statemachine.family import FamilyRules, Story, children, explore
from tests.statemachine.world import Violation


@pytest.mark.parametrize("on_failure", OnFailure)
def test_siblings_do_each_other_no_harm(on_failure: OnFailure) -> None:
    assert explore(FamilyRules(on_failure)) > 1_000


@pytest.mark.thorough
@pytest.mark.parametrize("on_failure", OnFailure)
def test_siblings_do_each_other_no_harm_after_a_retry(on_failure: OnFailure) -> None:
    assert explore(FamilyRules(on_failure), retries=1) > 10_000


def taken_from_siblings(parent: Standing, *, is_used: bool) -> Decision | None:
    return relatives.roll_back(parent, is_used=False)


def used_only_by_what_succeeded(story: Story, parent: int) -> bool:
    return any(story.jobs[child].state is State.SUCCEEDED for child in children(parent))


def only_the_oldest_child(moved: Mapping[UUID, Moved], waiting: Iterable[Waiting]) -> dict[UUID, Decision]:
    decisions = relatives.follow(moved, waiting)
    return dict(list(decisions.items())[:1])


def begun_without_an_avatar(moved: Mapping[UUID, Moved], waiting: Iterable[Waiting]) -> dict[UUID, Decision]:
    return relatives.follow({each: Moved(State.SUCCEEDED) for each in moved}, waiting)


MUTANTS: dict[str, tuple[dict[str, Any], str]] = {
    "a failed scene takes the avatar of its sibling": ({"roll_back": taken_from_siblings}, "made from is compensating"),
    "a scene that runs does not count": ({"is_used": used_only_by_what_succeeded}, "made from is compensating"),
    "the last scene leaves its avatar": ({"is_used": lambda story, parent: True}, "was left although"),
    "only one scene hears of its avatar": ({"follow": only_the_oldest_child}, "waits for ever"),
    "scenes begin although their avatar failed": ({"follow": begun_without_an_avatar}, "made from is compensating"),
    "a noted cancel is not executed": ({"execute_cancel": lambda job: None}, "never ends"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_rule_between_relatives_is_caught(name: str) -> None:
    broken, complaint = MUTANTS[name]
    with pytest.raises(Violation, match=complaint):
        explore(FamilyRules(**broken))
