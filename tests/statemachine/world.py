"""A small world around one job: its row, its lease, its workers and the provider, and all that can happen next.

The rules are the real ones (`decide`, `interrupt` and the table of transitions); the world imitates what is around
them: what SQL does to the row, what a provider does with a submission, and how workers die, freeze and come back.
Time is three facts: whether the job is due, whether its deadline has passed, and whether it has been looked for in
vain for long enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple

from statemachine import outcomes as o
from statemachine.backoff import RetryPolicy
from statemachine.decisions import Decision, JobFacts, decide, interrupt, move
from statemachine.states import TERMINAL, ErrorCode, Event, State
from statemachine.transitions import next_state, next_states

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_HOUR = timedelta(hours=1)
# Longer than anyone looks for a lost submission.
_LONG = timedelta(days=1)
_UNDONE_STATES = (State.COMPENSATING, State.FAILED, State.CANCELED)

PASSING = o.Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", o.Cure.RETRY)
PATIENCE = o.Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", o.Cure.WAIT, retry_after_s=1)
FINAL = o.Failure(ErrorCode.CONTENT_REJECTED, "no", o.Cure.NEVER)
_MADE = o.MadeAsset("avatar", "key", "image/png", 1, 1, 1, "00")


class Violation(AssertionError):
    """Something happened that the rules promise never happens."""


class Job(NamedTuple):
    """The row. Counters stop where they no longer make a difference."""

    state: State
    accepted: int = 0
    failures: int = 0
    claims: int = 0
    canceled: bool = False


class Attempt(NamedTuple):
    """The current submission as the provider sees it.

    `status` is none, unsent, running, stuck (it never ends by itself), done, gone (its output), failed or ended;
    `known` is whether the job has its id; `excused` whether a worker sent it after others had taken over.
    """

    status: str = "none"
    known: bool = False
    excused: bool = False

    @property
    def costs(self) -> bool:
        """Whether the provider is at work on it."""
        return self.status in ("running", "stuck")


class Worker(NamedTuple):
    """A worker with a claim: what it read, where it stands, and what it is about to record.

    `current` is false once its lease has grown without it, `own` once another submission has replaced its own.
    """

    seen: Job
    late: bool
    long: bool
    phase: str = "claimed"  # then, of a submission: beginning, begun; and always: decided
    outcome: o.Outcome | None = None
    current: bool = True
    own: bool = True


class World(NamedTuple):
    """Everything. `strays` tells whether an earlier submission still runs that nobody is to blame for but the rules."""

    job: Job
    leased: str = "no"  # no, live or ended
    due: str | None = "now"  # now, later, or None once the job has ended
    attempt: Attempt = Attempt()
    strays: bool = False
    workers: tuple[Worker, ...] = ()
    late: bool = False
    long: bool = False
    objects: bool = False
    spilled: bool = False
    redrives: int = 1


Next = tuple[str, World]


@dataclass(frozen=True)
class Rules:
    """The rules under examination, and how large the world is. A mutant replaces one of them."""

    policy: RetryPolicy = field(default_factory=lambda: RetryPolicy(delays_s=(5.0,), attempts_max=2, claims_max=2))
    decide: Callable[..., Decision] = decide
    interrupt: Callable[..., Decision | None] = interrupt
    fenced: bool = True
    undoes: bool = True
    workers_max: int = 2


def facts_of(job: Job, late: bool, long: bool) -> JobFacts:
    """Return a job as decisions take it."""
    return JobFacts(
        state=job.state,
        priority=0,
        accepted=job.accepted,
        failures=job.failures,
        claims=job.claims,
        entered_at=NOW - _LONG if long else NOW,
        deadline_at=NOW - _HOUR if late else NOW + _HOUR,
        cancel_requested=job.canceled,
    )


@cache
def _interrupted(rules: Rules, job: Job, late: bool, long: bool) -> Decision | None:
    return rules.interrupt(facts_of(job, late, long), NOW, rules.policy)


@cache
def _decided(rules: Rules, job: Job, late: bool, long: bool, outcome: o.Outcome) -> Decision:
    return rules.decide(facts_of(job, late, long), outcome, NOW, rules.policy, Random(1))


_CALLS: tuple[tuple[o.Outcome, str], ...] = (
    (o.Accepted("p", 1.0), "running"),
    (o.Accepted("p", 1.0), "stuck"),
    (o.Refused(PATIENCE), "ended"),
    (o.Rejected(FINAL), "ended"),
    (o.OutcomeLost("accepted"), "running"),
    (o.OutcomeLost("not accepted"), "unsent"),
    (o.Refused(PASSING), "ended"),
)


def outcomes_of(state: State, attempt: Attempt) -> tuple[o.Outcome, ...]:
    """Return what a step may see, the best first and the passing failure last."""
    reached = attempt.status not in ("none", "unsent", "ended")
    match state:
        case State.QUEUED:
            return (o.Rejected(FINAL), o.StepFailed(PASSING))
        case State.RECONCILING:
            found = o.OrphanFound("p") if reached else o.OrphanAbsent()
            return (found, o.StillUncertain("no list", may_resubmit=True), o.StillUncertain("no list"))
        case State.GENERATING if attempt.costs:
            return (o.StillRunning(10, 1.0), o.StepFailed(PATIENCE), o.StepFailed(PASSING))
        case State.GENERATING if attempt.status == "done":
            return (o.OutputReady(("u",), 1), o.StepFailed(PATIENCE), o.StepFailed(PASSING))
        case State.GENERATING:
            return (o.GenerationFailed(FINAL), o.StepFailed(PATIENCE), o.GenerationFailed(PASSING))
        case State.STORING if attempt.status == "done":
            return (o.Stored("k", "image/png", 1, "00"), o.StepFailed(PATIENCE), o.StepFailed(PASSING))
        case State.STORING:
            return (o.OutputGone(PASSING),)
        case State.TRANSCODING:
            return (o.Transcoded(_MADE), o.StepFailed(PATIENCE), o.OutputInvalid(PASSING))
        case State.COMPENSATING:
            return (o.Undone(), o.StepFailed(PASSING))
        case _:
            raise Violation(f"a job is {state}, was claimed, and has no step to run")


def what_can_happen(world: World, rules: Rules) -> Iterator[Next]:
    """Yield everything that may happen next, in any order that the real world may choose."""
    yield from _to_the_row(world, rules)
    yield from _at_the_provider(world)
    for index in range(len(world.workers)):
        yield "a worker is killed", killed(world, index)
        yield from advanced(world, index, rules)


def _to_the_row(world: World, rules: Rules) -> Iterator[Next]:
    job = world.job
    if job.state in TERMINAL:
        yield from _redriven(world)
        return
    if world.leased == "live":
        yield "the lease ends", world._replace(leased="ended")
    if world.due == "later" and job.state is not State.WAITING:
        yield "its time comes, or a webhook makes it due", world._replace(due="now")
    if not world.late:
        yield "the deadline passes", world._replace(late=True, due="now" if job.state is State.WAITING else world.due)
    if job.state is State.RECONCILING and not world.long:
        yield "it has been looked for long enough", world._replace(long=True)
    if world.due == "now" and world.leased != "live" and len(world.workers) < rules.workers_max:
        yield "a worker claims", claimed(world, rules)
    if job.state is not State.COMPENSATING and not (job.state is State.SUBMITTING and job.canceled):
        yield "it is canceled", canceled(world)
    if job.state is State.WAITING:
        yield "its parent is ready", _moved_by_parent(world, Event.PARENT_READY)
        yield "its parent fails", _fence(_moved_by_parent(world, Event.PARENT_FAILED))


def _at_the_provider(world: World) -> Iterator[Next]:
    attempt = world.attempt
    if attempt.status == "running":
        yield "the prediction succeeds", world._replace(attempt=attempt._replace(status="done"))
        yield "the prediction fails", world._replace(attempt=attempt._replace(status="failed"))
    if attempt.status == "done":
        yield "the output vanishes", world._replace(attempt=attempt._replace(status="gone"))
    if world.strays:
        yield "the provider's own limit ends a stray", world._replace(strays=False)


def claimed(world: World, rules: Rules) -> World:
    """Lease the job to another worker; whoever held it is fenced off."""
    job = world.job._replace(claims=min(world.job.claims + 1, rules.policy.claims_max + 1))
    worker = Worker(job, world.late, world.long)
    world = _fence(world)
    return world._replace(job=job, leased="live", workers=(*world.workers, worker))


def canceled(world: World) -> World:
    """What cancel.sql does."""
    job = world.job._replace(canceled=True)
    if job.state is State.SUBMITTING:
        return world._replace(job=job)
    state = next_state(job.state, Event.CANCEL_REQUESTED, State.COMPENSATING)
    return _fence(world)._replace(job=job._replace(state=state, claims=0), leased="no", due="now", long=False)


def killed(world: World, index: int) -> World:
    """A worker is gone. What it had written without anyone's leave stays until the sweep."""
    worker = world.workers[index]
    spilled = world.spilled or (not worker.current and _writes(worker.outcome))
    return world._replace(workers=_without(world, index), spilled=spilled)


def advanced(world: World, index: int, rules: Rules) -> Iterator[Next]:
    """Yield what a worker may do next."""
    worker = world.workers[index]
    match worker.phase:
        case "claimed":
            yield from _acts(world, index, rules)
        case "beginning":
            yield "it commits the intent", _begun(world, index, rules)
        case "begun":
            yield from _calls(world, index)
        case _:
            yield "it records", _recorded(world, index, rules)


def _acts(world: World, index: int, rules: Rules) -> Iterator[Next]:
    worker = world.workers[index]
    if _interrupted(rules, worker.seen, worker.late, worker.long) is not None:
        yield "it is interrupted", _with(world, index, worker._replace(phase="decided"))
        return
    if worker.seen.state is State.QUEUED:
        yield "it prepares a submission", _with(world, index, worker._replace(phase="beginning"))
    for outcome in outcomes_of(worker.seen.state, world.attempt):
        acted = _with(world, index, worker._replace(phase="decided", outcome=outcome))
        yield f"it sees {type(outcome).__name__}", _affected(acted, outcome, rules)


def _affected(world: World, outcome: o.Outcome, rules: Rules) -> World:
    """What an act leaves behind before anything of it is recorded."""
    if _writes(outcome):
        return world._replace(objects=True)
    if isinstance(outcome, o.Undone) and rules.undoes:
        attempt = world.attempt
        ended = attempt._replace(status="ended") if attempt.known and attempt.costs else attempt
        return world._replace(objects=False, attempt=ended)
    return world


def _begun(world: World, index: int, rules: Rules) -> World:
    """Commit the intent under the lease: a fresh attempt, and the same worker goes on."""
    worker = world.workers[index]
    if not _may_record(world, worker, rules):
        return world._replace(workers=_without(world, index))
    move(facts_of(worker.seen, worker.late, worker.long), Event.SUBMIT_STARTED, due_in=timedelta(0))
    strays = world.strays or (world.attempt.costs and not world.attempt.excused)
    others = tuple(other._replace(own=False) for other in world.workers)
    world = world._replace(workers=others, attempt=Attempt("unsent"), strays=strays, due="now", long=False)
    world = world._replace(job=world.job._replace(state=State.SUBMITTING))
    return _with(world, index, worker._replace(phase="begun", seen=worker.seen._replace(state=State.SUBMITTING)))


def _calls(world: World, index: int) -> Iterator[Next]:
    worker = world.workers[index]
    for outcome, status in _CALLS:
        called = _with(world, index, worker._replace(phase="decided", outcome=outcome))
        if worker.own and status != "unsent":
            attempt = Attempt(status, known=False, excused=not worker.current)
            if attempt.costs and not attempt.excused and world.strays:
                raise Violation("a job was submitted again while an earlier submission of it was running")
            called = called._replace(attempt=attempt)
        yield f"it calls: {type(outcome).__name__}, {status}", called


def _recorded(world: World, index: int, rules: Rules) -> World:
    """What record_moves.sql does, and what a worker does whose move it dropped."""
    worker = world.workers[index]
    rest = world._replace(workers=_without(world, index))
    if not _may_record(world, worker, rules):
        tidied = _writes(worker.outcome) and world.job.state in _UNDONE_STATES
        return rest._replace(objects=False) if tidied else rest
    if not worker.current:
        raise Violation("a worker recorded under a lease that had grown without it")
    decision = (
        _decided(rules, worker.seen, worker.late, worker.long, worker.outcome)
        if worker.outcome is not None
        else _interrupted(rules, worker.seen, worker.late, worker.long)
    )
    assert decision is not None
    return _moved(rest, decision)


def _moved(world: World, decision: Decision) -> World:
    job = world.job
    if decision.to_state not in next_states(job.state, decision.event):
        raise Violation(f"{job.state} moved to {decision.to_state} by {decision.event}")
    due = None if decision.due_in is None else "now" if decision.is_due_now or job.canceled else "later"
    found = decision.event in (Event.ACCEPTED, Event.ORPHAN_FOUND)
    attempt = world.attempt._replace(known=True) if found else world.attempt
    if (decision.to_state in (State.FAILED, State.CANCELED) or decision.event is Event.GAVE_UP) and not attempt.known:
        # Canceled, given up on or paid for again before anyone knew of it: the provider's own limit ends it.
        attempt = attempt._replace(excused=True)
    return world._replace(
        job=Job(decision.to_state, min(job.accepted + found, 4), min(decision.failures, 4), 0, job.canceled),
        leased="no",
        due=due,
        attempt=attempt,
        long=world.long and decision.to_state is job.state,
    )


def _may_record(world: World, worker: Worker, rules: Rules) -> bool:
    return world.job.state is worker.seen.state and (worker.current or not rules.fenced)


def _redriven(world: World) -> Iterator[Next]:
    """Support sends an ended job back, once: from the start, or from what is still there."""
    if world.redrives and world.job.state is not State.SUCCEEDED:
        for target in next_states(world.job.state, Event.REDRIVEN):
            if target is State.QUEUED or (target is State.STORING and world.attempt.status == "done"):
                job = Job(target, accepted=0)
                again = world._replace(job=job, due="now", late=False, redrives=world.redrives - 1)
                yield f"it is redriven to {target}", _fence(again)


def _moved_by_parent(world: World, event: Event) -> World:
    state = next_state(world.job.state, event)
    return world._replace(job=world.job._replace(state=state), due="now")


def _fence(world: World) -> World:
    return world._replace(workers=tuple(worker._replace(current=False) for worker in world.workers))


def _with(world: World, index: int, worker: Worker) -> World:
    return world._replace(workers=(*world.workers[:index], worker, *world.workers[index + 1 :]))


def _without(world: World, index: int) -> tuple[Worker, ...]:
    return (*world.workers[:index], *world.workers[index + 1 :])


def _writes(outcome: o.Outcome | None) -> bool:
    return isinstance(outcome, o.Stored | o.Transcoded)
