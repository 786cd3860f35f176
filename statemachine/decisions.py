"""Deciding: what an outcome means for a job. Pure, so every rule can be tested without a database or a clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from statemachine import outcomes as o
from statemachine.backoff import JobPolicy, head_start
from statemachine.deadlines import Deadlines
from statemachine.transitions import next_state
from statemachine.vocabulary import ErrorCode, Event, State

# Where each state stands on the way from 0 to 100. Within `generating` the provider's own progress fills the gap.
PERCENT_AT: dict[State, int] = {
    State.WAITING: 0,
    State.QUEUED: 0,
    State.SUBMITTING: 2,
    State.RECONCILING: 2,
    State.GENERATING: 5,
    State.STORING: 85,
    State.TRANSCODING: 90,
    State.SUCCEEDED: 100,
    State.COMPENSATING: 0,
    State.FAILED: 0,
    State.CANCELED: 0,
}

# Going back to the queue after these means paying again.
_COSTS_AN_ATTEMPT = frozenset({Event.GENERATION_FAILED, Event.OUTPUT_GONE, Event.OUTPUT_INVALID})

_RECONCILE_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What a decision needs to know of a job.

    `accepted` counts the submissions the provider took, `failures` those in a row, `claims` includes the present one.
    """

    state: State
    priority: int
    accepted: int
    failures: int
    claims: int
    entered_at: datetime
    deadline_at: datetime
    cancel_requested: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """A move and when the job is due next. `due_in` is None exactly when the job ends.

    `failure` is what the history row tells; `failures` is the new count of failures in a row. An `is_free` one gives
    the job back the submission that it ends.
    """

    event: Event
    to_state: State
    due_in: timedelta | None
    percent: int
    failures: int
    failure: o.Failure | None = None
    reason: str | None = None
    cost_micros: int = 0
    is_free: bool = False

    @property
    def is_due_now(self) -> bool:
        """Whether the job's next step can begin at once."""
        return self.due_in is not None and self.due_in <= timedelta(0)


CANCELED_BY_REQUEST = o.Failure(ErrorCode.CANCELED, "The job was canceled.", o.RetryPolicy.NEVER)
DEADLINE_MISSED = o.Failure(
    ErrorCode.DEADLINE_EXCEEDED, "This took longer than it is allowed to. Please try again.", o.RetryPolicy.RETRY
)
WORKERS_DIED = o.Failure(
    ErrorCode.INTERNAL, "Something went wrong on our side. Please try again later.", o.RetryPolicy.NEVER
)
PARENT_FAILED = o.Failure(
    ErrorCode.PARENT_FAILED, "The picture this was to be made from could not be made.", o.RetryPolicy.NEVER
)
ROLLED_BACK = o.Failure(
    ErrorCode.ROLLED_BACK,
    "It was taken back, because what was to be made from it could not be made.",
    o.RetryPolicy.NEVER,
)
LOST_FOR_GOOD = o.Failure(
    ErrorCode.SUBMISSION_UNCERTAIN,
    "We could not confirm that the picture service took the job. Please try again.",
    o.RetryPolicy.RETRY,
)


def move(job: JobFacts, event: Event, to_state: State | None = None, *, due_in: timedelta | None) -> Decision:
    """Return the plain decision for `event`, due again in `due_in`; raise `IllegalTransition` for no such move."""
    state = next_state(job.state, event, to_state)
    # Failures are counted until the output is safe; what comes after has a count of its own.
    failures = 0 if event is Event.STORED else job.failures
    return Decision(event, state, due_in, PERCENT_AT[state], failures)


def interrupt(job: JobFacts, now: datetime, policy: JobPolicy) -> Decision | None:
    """Return what must happen to a claimed job before its step runs, or None when the step may run.

    Looked at in this order: a submission whose worker vanished, a cancel, the deadlines, a crash loop.
    """
    if job.state is State.SUBMITTING:
        lost = move(job, Event.OUTCOME_LOST, due_in=timedelta(0))
        return replace(lost, reason="the worker that submitted it vanished")
    if job.state is State.COMPENSATING:
        return _left_for_review(job) if job.claims > policy.claims_max else None
    if job.cancel_requested:
        return compensate(job, Event.CANCEL_REQUESTED, CANCELED_BY_REQUEST)
    end = policy.deadlines.end_of(job.state, job.entered_at, job.deadline_at)
    if end is not None and now >= end:
        of_what = "job" if end == job.deadline_at else f"step, {job.state},"
        return compensate(
            job, Event.DEADLINE_PASSED, DEADLINE_MISSED, reason=f"the deadline of the {of_what} has passed"
        )
    if job.claims > policy.claims_max:
        return compensate(job, Event.GAVE_UP, WORKERS_DIED, reason=f"{job.claims} claims without a result")
    return None


def _left_for_review(job: JobFacts) -> Decision:
    """End a job whose undoing kills its workers. What is left of it waits for a person, and its credits return."""
    return replace(_undone(job), reason=f"{job.claims} claims without a result: what is left is held for review")


def compensate(job: JobFacts, event: Event, failure: o.Failure, *, reason: str | None = None) -> Decision:
    """Return the decision that sends a job to `compensating` at once, because of `failure`."""
    decision = move(job, event, State.COMPENSATING, due_in=timedelta(0))
    return replace(decision, failure=failure, reason=reason or failure.detail)


def decide(job: JobFacts, outcome: o.Outcome, now: datetime, policy: JobPolicy, rng: Random) -> Decision:
    """Return what `outcome` means for `job` at `now`; raise `IllegalTransition` for one its state can not have."""
    return _in_time(_meaning(job, outcome, now, policy, rng), job, now, policy.deadlines)


def _in_time(decision: Decision, job: JobFacts, now: datetime, deadlines: Deadlines) -> Decision:
    """Have no wait go beyond the deadline: a job is looked at when that passes, however long it was to wait."""
    entered_at = job.entered_at if decision.to_state is job.state else now
    end = deadlines.end_of(decision.to_state, entered_at, job.deadline_at)
    if end is None or decision.due_in is None or now + decision.due_in <= end:
        return decision
    return replace(decision, due_in=max(end - now, timedelta(0)))


def _meaning(job: JobFacts, outcome: o.Outcome, now: datetime, policy: JobPolicy, rng: Random) -> Decision:
    match outcome:
        case o.Accepted(_, poll_after_s):
            return move(job, Event.ACCEPTED, due_in=timedelta(seconds=poll_after_s))
        case o.OrphanFound():
            return move(job, Event.ORPHAN_FOUND, due_in=timedelta(0))
        case o.OrphanAbsent():
            return _absent(job, policy)
        case o.OutcomeLost(reason):
            return replace(move(job, Event.OUTCOME_LOST, due_in=_RECONCILE_EVERY), reason=reason)
        case o.StillUncertain():
            return _uncertain(job, outcome, now, policy)
        case o.StillRunning(percent, poll_after_s):
            running = move(job, Event.STILL_RUNNING, due_in=timedelta(seconds=poll_after_s))
            return replace(running, percent=percent)
        case o.OutputReady(_, cost_micros):
            return replace(move(job, Event.OUTPUT_READY, due_in=timedelta(0)), cost_micros=cost_micros)
        case o.Stored():
            return move(job, Event.STORED, due_in=timedelta(0))
        case o.Transcoded():
            return move(job, Event.TRANSCODED, due_in=None)
        case o.Undone():
            return _undone(job)
        case _:
            return _decide_failure(job, outcome, policy, rng)


def _decide_failure(
    job: JobFacts,
    outcome: o.Refused | o.Rejected | o.GenerationFailed | o.OutputGone | o.OutputInvalid | o.StepFailed,
    policy: JobPolicy,
    rng: Random,
) -> Decision:
    """Return what a failure means: final ones end the job, the others wait their turn."""
    failure = outcome.failure
    match outcome:
        case o.Rejected():
            return compensate(job, Event.REJECTED, failure)
        case o.StepFailed():
            return _again(job, Event.POSTPONED, job.state, failure, policy, rng)
        case o.Refused():
            return _again(job, Event.REFUSED, State.QUEUED, failure, policy, rng)
        case o.GenerationFailed(_, cost_micros):
            decision = _again(job, Event.GENERATION_FAILED, State.QUEUED, failure, policy, rng)
            return replace(decision, cost_micros=cost_micros)
        case o.OutputGone():
            return _again(job, Event.OUTPUT_GONE, State.QUEUED, failure, policy, rng)
        case o.OutputInvalid():
            return _again(job, Event.OUTPUT_INVALID, State.QUEUED, failure, policy, rng)


def _again(
    job: JobFacts, event: Event, to_state: State, failure: o.Failure, policy: JobPolicy, rng: Random
) -> Decision:
    """Try again in `to_state` after the wait that the failure asks for, or give up."""
    failures = job.failures
    costs_an_attempt = event in _COSTS_AN_ATTEMPT and not failure.waits_for_a_person
    if costs_an_attempt and job.accepted >= policy.attempts_max:
        return _give_up(job, event, failure)
    match failure.retry_policy:
        case o.RetryPolicy.NEVER:
            return _give_up(job, event, failure)
        case o.RetryPolicy.WAIT:
            wait = timedelta(seconds=failure.retry_after_s or policy.wait_s)
        case o.RetryPolicy.OPERATOR:
            wait = timedelta(seconds=policy.operator_wait_s)
        case o.RetryPolicy.ANOTHER_MODEL:
            wait = timedelta(seconds=failure.retry_after_s or policy.operator_wait_s)
        case o.RetryPolicy.RETRY:
            failures += 1
            delay = policy.delay_before(failures, rng) if _may_retry(failure, failures) else None
            if delay is None and job.state is not State.COMPENSATING:
                return _give_up(job, event, failure)
            # What must be undone is never given up on: it waits for the longest delay each time.
            wait = max(
                delay or timedelta(seconds=policy.operator_wait_s),
                timedelta(seconds=failure.retry_after_s or 0),
            )
    decision = move(job, event, to_state, due_in=wait)
    return replace(
        decision,
        failures=failures,
        failure=failure,
        reason=f"again in {wait.total_seconds():.1f} s",
        is_free=event in _COSTS_AN_ATTEMPT and not costs_an_attempt,
    )


def _may_retry(failure: o.Failure, failures: int) -> bool:
    """Whether a failure allows one more try after so many in a row, itself included."""
    return failure.retries_max is None or failures <= failure.retries_max


def _give_up(job: JobFacts, event: Event, failure: o.Failure) -> Decision:
    """End the job by the event that says why; a step that only failed in passing ends as given up.

    What was told while there was a retry left may have promised another one.
    """
    if failure.final_message is not None:
        failure = replace(failure, message=failure.final_message)
    if event is Event.POSTPONED:
        event = Event.GAVE_UP
    if event is Event.REFUSED:
        event = Event.REJECTED
    return compensate(job, event, failure, reason=f"no retry left after {job.failures} failures: {failure.detail}")


def _uncertain(job: JobFacts, outcome: o.StillUncertain, now: datetime, policy: JobPolicy) -> Decision:
    """Keep looking until the time for that is over; then pay again where the cap allows it, or give the job up."""
    if now - job.entered_at < policy.reconcile_for:
        return replace(move(job, Event.POSTPONED, due_in=_RECONCILE_EVERY), reason=outcome.reason)
    failures = job.failures + 1
    if not outcome.may_resubmit or failures > len(policy.delays_s):
        return compensate(job, Event.GAVE_UP, LOST_FOR_GOOD, reason=outcome.reason)
    again = move(job, Event.GAVE_UP, State.QUEUED, due_in=-head_start(job.priority))
    return replace(again, failures=failures, reason=f"paid for again: {outcome.reason}")


def _absent(job: JobFacts, policy: JobPolicy) -> Decision:
    """Queue again what never reached the provider; a job whose submissions keep getting lost is given up."""
    failures = job.failures + 1
    if failures > len(policy.delays_s):
        return compensate(job, Event.GAVE_UP, WORKERS_DIED, reason=f"{failures} submissions in a row were lost")
    return replace(move(job, Event.ORPHAN_ABSENT, due_in=-head_start(job.priority)), failures=failures)


def _undone(job: JobFacts) -> Decision:
    """A job that someone canceled ends as canceled, every other one as failed."""
    return move(job, Event.UNDONE, State.CANCELED if job.cancel_requested else State.FAILED, due_in=None)
