"""Decisions about the relatives of a job that moved."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from statemachine.decisions import Standing
from statemachine.relatives import Moved, Waiting, after_parent, follow, roll_back
from statemachine.vocabulary import ErrorCode, Event, State

AVATAR, SCENE, VIDEO, OTHER = (UUID(int=number) for number in range(4))


def waiting(job_id: UUID, parent_id: UUID, priority: int = 0) -> Waiting:
    return Waiting(job_id, parent_id, Standing(State.WAITING, priority, 0, cancel_requested=False))


FAMILY = [waiting(SCENE, AVATAR, priority=3), waiting(VIDEO, SCENE)]


def test_a_success_queues_only_the_children_each_with_its_head_start() -> None:
    decisions = follow({AVATAR: Moved(State.SUCCEEDED)}, FAMILY)
    assert {job_id: decision.event for job_id, decision in decisions.items()} == {SCENE: Event.PARENT_READY}
    assert decisions[SCENE].due_in == -timedelta(minutes=13)


@pytest.mark.parametrize("is_canceled", [True, False])
def test_the_failure_of_a_parent_fails_waiting_jobs_and_its_cancel_cancels_them(is_canceled: bool) -> None:
    decisions = follow({AVATAR: Moved(State.COMPENSATING, is_canceled)}, [*FAMILY, waiting(OTHER, OTHER)])
    assert decisions.keys() == {SCENE, VIDEO}
    for decision in decisions.values():
        assert (decision.event, decision.cancels) == (Event.PARENT_FAILED, is_canceled)
        assert decision.failure is not None
        assert decision.failure.code is ErrorCode.PARENT_FAILED


def test_a_job_that_waits_for_a_submission_is_canceled_as_soon_as_requested() -> None:
    decisions = follow({AVATAR: Moved(State.SUBMITTING, is_canceled=True)}, FAMILY)
    assert {decision.to_state for decision in decisions.values()} == {State.COMPENSATING}


def test_a_job_that_no_longer_waits_is_left_alone() -> None:
    queued = Standing(State.QUEUED, 0, 0, cancel_requested=False)
    assert after_parent(queued, Moved(State.COMPENSATING)) is None


def test_only_a_parent_that_nothing_else_uses_is_rolled_back() -> None:
    done = Standing(State.SUCCEEDED, 0, 3, cancel_requested=False)
    decision = roll_back(done, is_used=False)
    assert decision is not None
    assert (decision.event, decision.to_state, decision.failures) == (Event.ROLLED_BACK, State.COMPENSATING, 0)
    assert roll_back(done, is_used=True) is None
    assert roll_back(Standing(State.COMPENSATING, 0, 0, cancel_requested=False), is_used=False) is None
