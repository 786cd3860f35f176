"""Decisions: the consequence of each outcome for a job."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine import outcomes as o
from statemachine.backoff import HIGHEST_PRIORITY, LOWEST_PRIORITY, head_start
from statemachine.decisions import interrupt
from statemachine.steps import FINISHING_STATES
from statemachine.transitions import FINISHING, FinishingState, IllegalTransition, next_states
from statemachine.vocabulary import TERMINAL, ErrorCode, Event, State
from tests.statemachine.facts import NOW, POLICY, decided, facts

TRANSIENT = o.Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", o.RetryPolicy.RETRY)
FINAL = o.Failure(ErrorCode.CONTENT_REJECTED, "no", o.RetryPolicy.NEVER)
ACCOUNT = o.Failure(ErrorCode.PROVIDER_ACCOUNT, "we keep trying", o.RetryPolicy.OPERATOR)
GONE = o.Failure(ErrorCode.PROVIDER_ACCOUNT, "we keep trying", o.RetryPolicy.ANOTHER_MODEL)
WAIT = o.Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", o.RetryPolicy.WAIT, retry_after_s=7)

OUTCOMES_OF: dict[State, tuple[o.Outcome, ...]] = {
    State.SUBMITTING: (
        o.Accepted("p", 1.0),
        o.Refused(TRANSIENT),
        o.Refused(FINAL),
        o.Refused(WAIT),
        o.Rejected(FINAL),
        o.OutcomeLost("timeout"),
    ),
    State.RECONCILING: (
        o.OrphanFound("p"),
        o.OrphanAbsent(),
        o.StillUncertain("no list"),
        o.StillUncertain("no list", may_resubmit=True),
    ),
    State.GENERATING: (
        o.StillRunning(40, 1.0),
        o.OutputReady(("u",), 1),
        o.GenerationFailed(TRANSIENT),
        o.GenerationFailed(FINAL),
        o.GenerationFailed(ACCOUNT),
        o.GenerationFailed(GONE),
        o.StepFailed(WAIT),
    ),
    **dict.fromkeys(FINISHING_STATES, (o.StepDone(), o.StepFailed(TRANSIENT), o.StepFailed(WAIT))),
    State.COMPENSATING: (o.Undone(), o.StepFailed(TRANSIENT), o.StepFailed(WAIT)),
}
# What only one of the finishing states can see.
OWN_OUTCOMES = (
    (State.STORING, o.OutputGone(TRANSIENT)),
    (State.TRANSCODING, o.OutputInvalid(TRANSIENT)),
    (State.TRANSCODING, o.OutputInvalid(FINAL)),
)
CASES = [*((state, outcome) for state, outcomes in OUTCOMES_OF.items() for outcome in outcomes), *OWN_OUTCOMES]


@pytest.mark.parametrize(("state", "outcome"), CASES, ids=str)
@given(failures=st.integers(0, 6), accepted=st.integers(0, 6), canceled=st.booleans())
def test_every_decision_is_a_legal_move_and_due_unless_it_ends(
    state: State, outcome: o.Outcome, failures: int, accepted: int, canceled: bool
) -> None:
    job = facts(state, failures=failures, accepted=accepted, cancel_requested=canceled)
    decision = decided(job, outcome)
    assert decision.to_state in next_states(state, decision.event)
    assert (decision.due_in is None) == (decision.to_state in TERMINAL)


def test_transient_failures_wait_5_10_20_s_and_then_the_job_is_undone() -> None:
    waits = []
    job = facts(State.GENERATING)
    for _ in range(3):
        decision = decided(job, o.GenerationFailed(TRANSIENT))
        assert (decision.event, decision.to_state) == (Event.GENERATION_FAILED, State.QUEUED)
        assert decision.due_in is not None
        waits.append(decision.due_in.total_seconds())
        job = replace(job, failures=decision.failures)
    for wait, base in zip(waits, (5, 10, 20), strict=True):
        assert base <= wait <= base * 1.1
    assert decided(job, o.GenerationFailed(TRANSIENT)).to_state is State.COMPENSATING


@pytest.mark.parametrize("each", FINISHING, ids=lambda each: each.state)
def test_a_finished_step_continues_at_once_and_resets_the_failures(each: FinishingState) -> None:
    decision = decided(facts(each.state, failures=2), o.StepDone())
    assert (decision.event, decision.failures) == (each.done, 0)
    assert decision.due_in == (None if decision.to_state is State.SUCCEEDED else timedelta(0))


def test_the_last_finishing_state_leads_to_success() -> None:
    states = [FINISHING[0].state]
    while states[-1] is not State.SUCCEEDED:
        states.append(decided(facts(states[-1]), o.StepDone()).to_state)
    assert states == [*(each.state for each in FINISHING), State.SUCCEEDED]


@pytest.mark.parametrize("state", sorted(set(State) - set(FINISHING_STATES)))
def test_only_the_step_of_a_finishing_state_can_be_done(state: State) -> None:
    with pytest.raises(IllegalTransition, match="on done"):
        decided(facts(state), o.StepDone())


def test_a_final_failure_is_never_retried() -> None:
    decision = decided(facts(State.GENERATING), o.GenerationFailed(FINAL))
    assert decision.to_state is State.COMPENSATING
    assert decision.failure is FINAL


def test_waiting_for_the_provider_uses_no_retry_and_lasts_as_long_as_it_requested() -> None:
    decision = decided(facts(State.SUBMITTING, failures=3), o.Refused(WAIT))
    assert (decision.to_state, decision.failures, decision.due_in) == (State.QUEUED, 3, timedelta(seconds=7))


def test_paid_attempts_are_bounded_whatever_else_happens() -> None:
    job = facts(State.TRANSCODING, accepted=POLICY.attempts_max)
    assert decided(job, o.OutputInvalid(TRANSIENT)).to_state is State.COMPENSATING


@pytest.mark.parametrize(
    ("failure", "wait_s"), [(ACCOUNT, POLICY.operator_wait_s), (GONE, POLICY.operator_wait_s), (None, 1.0)]
)
def test_an_error_that_needs_an_operator_uses_no_attempt_and_no_retry(failure: o.Failure | None, wait_s: float) -> None:
    """The job waits until its deadline, however often the error occurs, even if only a prediction shows it."""
    job = facts(State.GENERATING, accepted=POLICY.attempts_max, failures=3)
    decision = decided(job, o.GenerationFailed(failure or replace(GONE, retry_after_s=1.0)))
    assert (decision.to_state, decision.failures, decision.is_free) == (State.QUEUED, 3, True)
    assert decision.due_in == timedelta(seconds=wait_s)
    assert not decided(replace(job, accepted=1, failures=0), o.GenerationFailed(TRANSIENT)).is_free


def test_a_failure_with_its_own_number_of_retries_is_retried_that_often() -> None:
    large = replace(TRANSIENT, retries_max=1)
    once = decided(facts(State.GENERATING), o.GenerationFailed(large))
    assert once.to_state is State.QUEUED
    twice = decided(facts(State.GENERATING, accepted=2, failures=once.failures), o.GenerationFailed(large))
    assert twice.to_state is State.COMPENSATING


def test_the_message_of_a_job_that_ends_does_not_promise_more_attempts() -> None:
    busy = replace(WAIT, message="We keep trying.", final_message="Please try again later.")
    waiting = decided(facts(State.GENERATING), o.GenerationFailed(busy))
    ended = decided(facts(State.GENERATING, accepted=POLICY.attempts_max), o.GenerationFailed(busy))
    assert [each.failure.message for each in (waiting, ended) if each.failure] == [busy.message, busy.final_message]


def test_a_retry_through_the_queue_keeps_counting_failures() -> None:
    """Otherwise a prediction that always fails would be paid for again and again."""
    failed = decided(facts(State.GENERATING, failures=1), o.GenerationFailed(TRANSIENT))
    accepted = decided(facts(State.SUBMITTING, failures=failed.failures), o.Accepted("p", 1.0))
    assert accepted.failures == failed.failures == 2


def test_a_job_whose_submissions_keep_getting_lost_is_given_up() -> None:
    assert decided(facts(State.RECONCILING), o.OrphanAbsent()).to_state is State.QUEUED
    assert decided(facts(State.RECONCILING, failures=3), o.OrphanAbsent()).event is Event.GAVE_UP


def test_a_compensation_is_never_given_up() -> None:
    decision = decided(facts(State.COMPENSATING, failures=50), o.StepFailed(TRANSIENT))
    assert (decision.event, decision.to_state) == (Event.POSTPONED, State.COMPENSATING)


@pytest.mark.parametrize(("canceled", "end"), [(True, State.CANCELED), (False, State.FAILED)])
def test_a_job_ends_as_canceled_only_if_it_was_canceled(canceled: bool, end: State) -> None:
    assert decided(facts(State.COMPENSATING, cancel_requested=canceled), o.Undone()).to_state is end


def test_a_lost_submission_is_searched_for_a_while_and_then_given_up() -> None:
    job = facts(State.RECONCILING)
    assert decided(job, o.StillUncertain("x")).to_state is State.RECONCILING
    given_up = decided(job, o.StillUncertain("x"), NOW + POLICY.reconcile_for)
    assert (given_up.event, given_up.to_state) == (Event.GAVE_UP, State.COMPENSATING)
    assert given_up.failure is not None
    assert given_up.failure.code is ErrorCode.SUBMISSION_UNCERTAIN


def test_a_submission_that_stays_uncertain_is_paid_for_again_only_within_the_cap_and_the_retries() -> None:
    late = NOW + POLICY.reconcile_for
    again = decided(facts(State.RECONCILING), o.StillUncertain("x", may_resubmit=True), late)
    assert (again.event, again.to_state, again.failures) == (Event.GAVE_UP, State.QUEUED, 1)
    worn_out = facts(State.RECONCILING, failures=len(POLICY.delays_s))
    assert decided(worn_out, o.StillUncertain("x", may_resubmit=True), late).to_state is State.COMPENSATING


def test_a_submission_whose_worker_vanished_is_reconciled_before_anything_else() -> None:
    job = facts(State.SUBMITTING, cancel_requested=True, claims=99, deadline_at=NOW)
    decision = interrupt(job, NOW, POLICY)
    assert decision is not None
    assert (decision.event, decision.to_state) == (Event.OUTCOME_LOST, State.RECONCILING)


INTERRUPTIBLE = (State.WAITING, State.QUEUED, State.GENERATING, *FINISHING_STATES)


@pytest.mark.parametrize("state", INTERRUPTIBLE)
def test_a_job_past_its_deadline_is_undone(state: State) -> None:
    decision = interrupt(facts(state, deadline_at=NOW), NOW, POLICY)
    assert decision is not None
    assert decision.event is Event.DEADLINE_PASSED
    assert interrupt(facts(state), NOW, POLICY) is None


@pytest.mark.parametrize("state", INTERRUPTIBLE[1:])
def test_a_job_that_kills_its_workers_is_given_up(state: State) -> None:
    decision = interrupt(facts(state, claims=POLICY.claims_max + 1), NOW, POLICY)
    assert decision is not None
    assert decision.event is Event.GAVE_UP
    assert decision.failure is not None
    assert decision.failure.code is ErrorCode.INTERNAL
    assert interrupt(facts(state, claims=POLICY.claims_max), NOW, POLICY) is None


@pytest.mark.parametrize("canceled", [True, False])
def test_a_compensation_that_kills_its_workers_ends_and_needs_review(canceled: bool) -> None:
    late = facts(State.COMPENSATING, cancel_requested=canceled, deadline_at=NOW, claims=POLICY.claims_max)
    assert interrupt(late, NOW, POLICY) is None, "the clock alone never ends it"
    decision = interrupt(replace(late, claims=late.claims + 1), NOW, POLICY)
    assert decision is not None
    assert (decision.event, decision.due_in) == (Event.UNDONE, None)
    assert decision.to_state is (State.CANCELED if canceled else State.FAILED)
    assert decision.reason == f"{late.claims + 1} claims without a result: the rest needs review"


def test_a_higher_priority_overtakes_but_starves_no_other_job() -> None:
    """A priority is a head start in time: an old job of low priority is due before a young one of high priority."""
    assert head_start(LOWEST_PRIORITY) == timedelta(0)
    assert head_start(5) > head_start(0)
    waited_long_enough = head_start(HIGHEST_PRIORITY) + timedelta(seconds=1)
    assert -head_start(LOWEST_PRIORITY) - waited_long_enough < -head_start(HIGHEST_PRIORITY)
