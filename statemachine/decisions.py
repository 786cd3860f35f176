"""Decisions about a claimed job: the meaning of each outcome. Pure, so tests need neither a database nor a clock.

`commands` decides about commands by people, `relatives` about the relatives of a job that moved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from statemachine import outcomes as o
from statemachine.backoff import JobPolicy, head_start
from statemachine.deadlines import Deadlines
from statemachine.steps import COSTS_AN_ATTEMPT, PERCENT_AT
from statemachine.transitions import FINISHING, IllegalTransition, next_state
from statemachine.vocabulary import ErrorCode, Event, State

_RECONCILE_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts of a job that every decision needs. `failures` counts consecutive failures."""

    state: State
    priority: int
    failures: int
    cancel_requested: bool


@dataclass(frozen=True, slots=True)
class JobFacts(Standing):
    """The facts of a claimed job.

    `accepted` counts the submissions that the provider accepted, `claims` includes the present one.
    """

    accepted: int
    claims: int
    entered_at: datetime
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """A move, and the time until the job is due next. `due_in` is None exactly when the job ends.

    `failure` goes into the job and its history; with `keeps_error` the job keeps the error it has. `failures` is the
    new count of consecutive failures. With `is_free` the ended submission does not count. A move that `cancels` notes
    the cancel; one with `new_deadline_in` begins a new cycle of the job, which is overdue after that time.
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
    keeps_error: bool = False
    cancels: bool = False
    new_deadline_in: timedelta | None = None

    @property
    def is_due_now(self) -> bool:
        """Return True if the job's next step can begin at once."""
        return self.due_in is not None and self.due_in <= timedelta(0)

    @property
    def is_accepted(self) -> bool:
        """Return True if the move counts another submission that the provider accepted."""
        return self.event in (Event.ACCEPTED, Event.ORPHAN_FOUND)


CANCELED_BY_REQUEST = o.Failure(ErrorCode.CANCELED, "The job was canceled.", o.RetryPolicy.NEVER)
DEADLINE_MISSED = o.Failure(ErrorCode.DEADLINE_EXCEEDED, "This took too long. Please try again.", o.RetryPolicy.RETRY)
WORKERS_DIED = o.Failure(
    ErrorCode.INTERNAL, "Something went wrong on our side. Please try again later.", o.RetryPolicy.NEVER
)
PARENT_FAILED = o.Failure(
    ErrorCode.PARENT_FAILED, "The picture that this needs could not be made.", o.RetryPolicy.NEVER
)
ROLLED_BACK = o.Failure(
    ErrorCode.ROLLED_BACK,
    "This was rolled back because the picture or video to be made from it failed.",
    o.RetryPolicy.NEVER,
)
LOST_FOR_GOOD = o.Failure(
    ErrorCode.SUBMISSION_UNCERTAIN,
    "We could not confirm that the picture service accepted the job. Please try again.",
    o.RetryPolicy.RETRY,
)


def move(
    job: Standing, event: Event, to_state: State | None = None, *, due_in: timedelta | None, failures: int | None = None
) -> Decision:
    """Return the plain decision for `event`, due again in `due_in`; raise `IllegalTransition` if there is none.

    The count of consecutive failures becomes `failures`, or stays as it is.
    """
    state = next_state(job.state, event, to_state)
    failures = job.failures if failures is None else failures
    # A compensating job keeps the error that caused it, even if compensating fails.
    keeps_error = job.state is State.COMPENSATING
    return Decision(event, state, due_in, PERCENT_AT[state], failures, keeps_error=keeps_error)


def interrupt(job: JobFacts, now: datetime, policy: JobPolicy) -> Decision | None:
    """Return the decision that replaces the step of a claimed job, or None if the step may run.

    It checks, in this order: a submission whose worker vanished, the deadlines, a crash loop. It need not check for a
    cancel: the move that leaves `submitting` executes a noted cancel (`commands`), so no other claimed job has one.
    """
    if job.state is State.SUBMITTING:
        lost = move(job, Event.OUTCOME_LOST, due_in=timedelta(0))
        return replace(lost, reason="the worker that submitted it vanished")
    if job.state is State.COMPENSATING:
        return _left_for_review(job) if job.claims > policy.claims_max else None
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
    """End a job whose compensation crashes its workers: its credits return, and the rest needs review."""
    return replace(_undone(job), reason=f"{job.claims} claims without a result: the rest needs review")


def compensate(job: Standing, event: Event, failure: o.Failure, *, reason: str | None = None) -> Decision:
    """Return the decision to compensate a job at once because of `failure`."""
    decision = move(job, event, State.COMPENSATING, due_in=timedelta(0))
    return replace(decision, failure=failure, reason=reason or failure.detail)


def decide(job: JobFacts, outcome: o.Outcome, now: datetime, policy: JobPolicy, rng: Random) -> Decision:
    """Return the decision about `outcome` at `now`; raise `IllegalTransition` if the job's state cannot have it."""
    return _in_time(_meaning(job, outcome, now, policy, rng), job, now, policy.deadlines)


def _in_time(decision: Decision, job: JobFacts, now: datetime, deadlines: Deadlines) -> Decision:
    """Shorten a wait beyond the deadline, so that a worker claims the job when the deadline passes."""
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
        case o.StepDone():
            return _done(job)
        case o.Undone():
            return _undone(job)
        case _:
            return _decide_failure(job, outcome, policy, rng)


# By state, the event of a step that is done, and when the job is due after it.
_WHEN_DONE: dict[State, tuple[Event, timedelta | None]] = {
    each.state: (each.done, None if next_state(each.state, each.done).is_terminal else timedelta(0))
    for each in FINISHING
}


def _done(job: JobFacts) -> Decision:
    """Go on to the next state, in which failures are counted from zero again."""
    if job.state not in _WHEN_DONE:
        raise IllegalTransition(job.state, None)
    event, due_in = _WHEN_DONE[job.state]
    return move(job, event, due_in=due_in, failures=0)


_AFTER_FAILURE: dict[type[o.Outcome], tuple[Event, State | None]] = {
    o.StepFailed: (Event.POSTPONED, None),
    o.Refused: (Event.REFUSED, State.QUEUED),
    o.GenerationFailed: (Event.GENERATION_FAILED, State.QUEUED),
    o.OutputGone: (Event.OUTPUT_GONE, State.QUEUED),
    o.OutputInvalid: (Event.OUTPUT_INVALID, State.QUEUED),
}


def _decide_failure(job: JobFacts, outcome: o.FailedOutcome, policy: JobPolicy, rng: Random) -> Decision:
    """Return the decision about a failure: a final one ends the job, any other is retried."""
    if isinstance(outcome, o.Rejected):
        return compensate(job, Event.REJECTED, outcome.failure)
    event, to_state = _AFTER_FAILURE[type(outcome)]
    decision = _again(job, event, to_state or job.state, outcome.failure, policy, rng)
    cost_micros = outcome.cost_micros if isinstance(outcome, o.GenerationFailed) else 0
    return replace(decision, cost_micros=cost_micros)


def _again(
    job: JobFacts, event: Event, to_state: State, failure: o.Failure, policy: JobPolicy, rng: Random
) -> Decision:
    """Retry in `to_state` after the wait that the failure demands, or give up."""
    costs_an_attempt = event in COSTS_AN_ATTEMPT and not failure.waits_for_a_person
    if costs_an_attempt and job.accepted >= policy.attempts_max:
        return _give_up(job, event, failure)
    wait = _wait_after(job, failure, policy, rng)
    if wait is None:
        return _give_up(job, event, failure)
    return replace(
        move(job, event, to_state, due_in=wait),
        failures=job.failures + (failure.retry_policy is o.RetryPolicy.RETRY),
        failure=failure,
        reason=f"again in {wait.total_seconds():.1f} s",
        is_free=event in COSTS_AN_ATTEMPT and not costs_an_attempt,
    )


def _wait_after(job: JobFacts, failure: o.Failure, policy: JobPolicy, rng: Random) -> timedelta | None:
    """Return the wait that a failure demands, or None if it is not retried."""
    match failure.retry_policy:
        case o.RetryPolicy.NEVER:
            return None
        case o.RetryPolicy.WAIT:
            return timedelta(seconds=failure.retry_after_s or policy.wait_s)
        case o.RetryPolicy.OPERATOR:
            return timedelta(seconds=policy.operator_wait_s)
        case o.RetryPolicy.ANOTHER_MODEL:
            return timedelta(seconds=failure.retry_after_s or policy.operator_wait_s)
        case o.RetryPolicy.RETRY:
            return _back_off(job, failure, policy, rng)


def _back_off(job: JobFacts, failure: o.Failure, policy: JobPolicy, rng: Random) -> timedelta | None:
    """Return the wait before the next retry, or None if no retry is left."""
    failures = job.failures + 1
    may_retry = failure.retries_max is None or failures <= failure.retries_max
    delay = policy.delay_before(failures, rng) if may_retry else None
    if delay is None and job.state is State.COMPENSATING:
        # Compensating never gives up: it waits for the longest delay each time.
        delay = timedelta(seconds=policy.operator_wait_s)
    return None if delay is None else max(delay, timedelta(seconds=failure.retry_after_s or 0))


def _give_up(job: JobFacts, event: Event, failure: o.Failure) -> Decision:
    """End the job by the event that names the cause; a step that ran out of retries ends as given up.

    The message of a failure may promise another try, so a failure can have a different final message.
    """
    if failure.final_message is not None:
        failure = replace(failure, message=failure.final_message)
    if event is Event.POSTPONED:
        event = Event.GAVE_UP
    if event is Event.REFUSED:
        event = Event.REJECTED
    return compensate(job, event, failure, reason=f"no retry left after {job.failures} failures: {failure.detail}")


def _uncertain(job: JobFacts, outcome: o.StillUncertain, now: datetime, policy: JobPolicy) -> Decision:
    """Search until the time for that is over; then pay again if the caps allow it, or give up."""
    if now - job.entered_at < policy.reconcile_for:
        return replace(move(job, Event.POSTPONED, due_in=_RECONCILE_EVERY), reason=outcome.reason)
    failures = job.failures + 1
    if not outcome.may_resubmit or failures > len(policy.delays_s):
        return compensate(job, Event.GAVE_UP, LOST_FOR_GOOD, reason=outcome.reason)
    again = move(job, Event.GAVE_UP, State.QUEUED, due_in=-head_start(job.priority))
    return replace(again, failures=failures, reason=f"paid for again: {outcome.reason}")


def _absent(job: JobFacts, policy: JobPolicy) -> Decision:
    """Queue a job again that never reached the provider; give up if its submissions keep getting lost."""
    failures = job.failures + 1
    if failures > len(policy.delays_s):
        return compensate(job, Event.GAVE_UP, WORKERS_DIED, reason=f"{failures} submissions in a row were lost")
    return replace(move(job, Event.ORPHAN_ABSENT, due_in=-head_start(job.priority)), failures=failures)


def _undone(job: JobFacts) -> Decision:
    """End a canceled job as canceled, any other as failed."""
    return move(job, Event.UNDONE, State.CANCELED if job.cancel_requested else State.FAILED, due_in=None)
