"""Everything that can happen to a job is explored: the rules keep their promises, and every broken rule is caught.

`make soak` explores deeper.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from statemachine import commands, relatives, transitions
from statemachine import outcomes as o
from statemachine.backoff import JobPolicy
from statemachine.decisions import (
    CANCELED_BY_REQUEST,
    Decision,
    JobFacts,
    Standing,
    compensate,
    decide,
    interrupt,
    move,
)
from statemachine.vocabulary import Event, State
from tests.statemachine.explorer import ALONE, explore
from tests.statemachine.workers import TRANSIENT
from tests.statemachine.world import Rules, Violation, is_pausable

DEPTH = 9


def test_the_rules_keep_their_promises_whatever_happens() -> None:
    assert explore(depth=DEPTH).worlds > 40_000


def test_the_rules_keep_their_promises_deeper_without_support() -> None:
    assert explore(depth=DEPTH + 3, since=ALONE).worlds > 33_000


def test_the_rules_keep_their_promises_with_the_real_number_of_retries() -> None:
    assert explore(Rules(policy=JobPolicy()), depth=6).worlds > 5_000


def submitted_again_after_a_lost_response(
    job: JobFacts, outcome: o.Outcome, now: datetime, policy: JobPolicy, rng: Random
) -> Decision:
    return decide(job, o.Refused(TRANSIENT) if isinstance(outcome, o.OutcomeLost) else outcome, now, policy, rng)


def absent_without_a_search(
    job: JobFacts, outcome: o.Outcome, now: datetime, policy: JobPolicy, rng: Random
) -> Decision:
    return decide(job, o.OrphanAbsent() if isinstance(outcome, o.OrphanFound) else outcome, now, policy, rng)


def never_due_after_a_delay(
    job: JobFacts, outcome: o.Outcome, now: datetime, policy: JobPolicy, rng: Random
) -> Decision:
    decision = decide(job, outcome, now, policy, rng)
    return replace(decision, due_in=None) if decision.event is Event.POSTPONED else decision


def failures_not_counted(job: JobFacts, outcome: o.Outcome, now: datetime, policy: JobPolicy, rng: Random) -> Decision:
    return decide(replace(job, failures=0, accepted=0), outcome, now, policy, rng)


def failed_without_undoing(
    job: JobFacts, outcome: o.Outcome, now: datetime, policy: JobPolicy, rng: Random
) -> Decision:
    decision = decide(job, outcome, now, policy, rng)
    rejected = isinstance(outcome, o.GenerationFailed) and decision.to_state is State.COMPENSATING
    return replace(decision, to_state=State.FAILED, due_in=None) if rejected else decision


def undone_after_a_failure(
    job: JobFacts, outcome: o.Outcome, now: datetime, policy: JobPolicy, rng: Random
) -> Decision:
    failed = job.state is State.COMPENSATING and isinstance(outcome, o.StepFailed)
    return decide(job, o.Undone() if failed else outcome, now, policy, rng)


def vanished_worker_not_noticed(job: JobFacts, now: datetime, policy: JobPolicy) -> Decision | None:
    return None if job.state is State.SUBMITTING else interrupt(job, now, policy)


def vanished_workers_submission_taken_for_absent(job: JobFacts, now: datetime, policy: JobPolicy) -> Decision | None:
    if job.state is State.SUBMITTING:
        return move(job, Event.REFUSED, State.QUEUED, due_in=timedelta(0))
    return interrupt(job, now, policy)


def deadline_not_noticed(job: JobFacts, now: datetime, policy: JobPolicy) -> Decision | None:
    return interrupt(replace(job, deadline_at=now + timedelta(days=1)), now, policy)


def crashes_not_counted(job: JobFacts, now: datetime, policy: JobPolicy) -> Decision | None:
    return interrupt(replace(job, claims=1), now, policy)


def undoing_tried_forever(job: JobFacts, now: datetime, policy: JobPolicy) -> Decision | None:
    return None if job.state is State.COMPENSATING else interrupt(job, now, policy)


def used_as_well(parent: Standing, *, is_used: bool) -> Decision | None:
    return relatives.roll_back(parent, is_used=False)


def in_the_same_cycle(job: Standing, to_state: State, **how: Any) -> Decision | None:
    decision = commands.redrive(job, to_state, **how)
    return decision and replace(decision, new_deadline_in=None)


def undone_never(job: Standing, reason: str | None) -> Decision | None:
    decision = commands.undo_again(job, reason)
    return decision and replace(decision, due_in=None)


def queued_never(job: Standing, parent: relatives.Moved | None) -> Decision | None:
    decision = relatives.after_parent(job, parent)
    return decision and replace(decision, due_in=None)


def canceled_while_submitting(job: Standing) -> Decision | None:
    return compensate(job, Event.CANCEL_REQUESTED, CANCELED_BY_REQUEST)


def pausable_but_not_storing(state: State) -> bool:
    return state is not State.STORING and is_pausable(state)


# Mutants that show only after many changes are caught in a smaller world.
SLOW = {"an ambiguous response is retried"}
MUTANTS: dict[str, tuple[Rules, str]] = {
    "an ambiguous response is retried": (Rules(decide=submitted_again_after_a_lost_response), "submitted again"),
    "a lost submission is not searched for": (Rules(decide=absent_without_a_search), "submitted again"),
    "a vanished submitter is taken for absent": (
        Rules(interrupt=vanished_workers_submission_taken_for_absent),
        "submitted again",
    ),
    "a vanished submitter is not noticed": (Rules(interrupt=vanished_worker_not_noticed), "no step to run"),
    "a postponed job is due never again": (Rules(decide=never_due_after_a_delay), "must be due until"),
    "failures are not counted": (Rules(decide=failures_not_counted), "never ends"),
    "a job fails without being undone": (Rules(decide=failed_without_undoing), "moved to failed"),
    "a job ends although compensating failed": (Rules(decide=undone_after_a_failure), "still"),
    "a cancel is overlooked": (Rules(execute_cancel=lambda job: None), "had been canceled"),
    "a submission is canceled before its outcome is known": (
        Rules(cancel=canceled_while_submitting),
        "no transition from submitting",
    ),
    "a redriven job keeps its cancel": (Rules(redrive=in_the_same_cycle), "had been canceled"),
    "a job that compensates again is never due": (Rules(undo_again=undone_never), "must be due until"),
    "a job that waited for its parent is never due": (Rules(after_parent=queued_never), "must be due until"),
    "the deadline is overlooked": (Rules(interrupt=deadline_not_noticed), "no step to run"),
    "crash loops are not counted": (Rules(interrupt=crashes_not_counted), "never ends"),
    "crash loops are not counted while compensating": (
        Rules(interrupt=undoing_tried_forever),
        "compensating never ends",
    ),
    "a pause is overlooked by a step": (Rules(is_pausable=pausable_but_not_storing), "paused step"),
    "a roll-back takes an output that its owner uses": (Rules(roll_back=used_as_well), "its owner uses"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_rule_is_caught(name: str) -> None:
    rules, complaint = MUTANTS[name]
    with pytest.raises(Violation, match=complaint):
        explore(rules, depth=16, since=ALONE if name in SLOW else None)


@pytest.mark.parametrize(
    "rule",
    [
        (State.SUBMITTING, Event.OUTCOME_LOST),
        (State.RECONCILING, Event.ORPHAN_ABSENT),
        (State.STORING, Event.OUTPUT_GONE),
        (State.COMPENSATING, Event.POSTPONED),
        (State.GENERATING, Event.CANCEL_REQUESTED),
    ],
    ids=str,
)
def test_a_table_that_lacks_a_rule_is_caught(monkeypatch: pytest.MonkeyPatch, rule: tuple[State, Event]) -> None:
    without: dict[tuple[State | None, Event], tuple[State, ...]] = dict(transitions.TARGETS)
    del without[rule]
    monkeypatch.setattr(transitions, "TARGETS", without)
    # Equal rules share cached decisions, so these are different functions.
    named: Callable[..., Decision] = lambda *given: decide(*given)  # noqa: E731
    with pytest.raises(Violation, match="no transition"):
        explore(Rules(decide=named, interrupt=lambda *given: interrupt(*given)), depth=12)
