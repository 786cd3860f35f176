"""The acts of workers in the small world around one job: they claim, act, record, and die at any point."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from random import Random

from statemachine import outcomes as o
from statemachine.decisions import Decision, move
from statemachine.steps import FINISHING_STATES
from statemachine.vocabulary import TERMINAL, ErrorCode, Event, State
from tests.statemachine.row import NOW, facts_of, fenced, locked, standing_of, written
from tests.statemachine.world import Attempt, Job, Next, Rules, Violation, Worker, World

# A step in these states begins, pays for or changes something; in the others it only ends or searches for a job.
_BEGINS_SOMETHING = (State.QUEUED, State.GENERATING, *FINISHING_STATES, State.COMPENSATING)
_UNDONE_STATES = (State.COMPENSATING, State.FAILED, State.CANCELED)
TRANSIENT = o.Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", o.RetryPolicy.RETRY)
BUSY = o.Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", o.RetryPolicy.WAIT, retry_after_s=1)
ACCOUNT = o.Failure(ErrorCode.PROVIDER_ACCOUNT, "ours", o.RetryPolicy.OPERATOR)
FINAL = o.Failure(ErrorCode.CONTENT_REJECTED, "no", o.RetryPolicy.NEVER)


class LeftForReview(o.Undone):
    """A compensating action failed and needs review; the job ends without it."""


LEFT_FOR_REVIEW = LeftForReview()


@cache
def _interrupted(rules: Rules, job: Job, late: bool, long: bool) -> Decision | None:
    return rules.interrupt(facts_of(job, late, long), NOW, rules.policy)


@cache
def _decided(rules: Rules, job: Job, late: bool, long: bool, outcome: o.Outcome) -> Decision:
    return rules.decide(facts_of(job, late, long), outcome, NOW, rules.policy, Random(1))


_CALLS: tuple[tuple[o.Outcome, str], ...] = (
    (o.Accepted("p", 1.0), "running"),
    (o.Accepted("p", 1.0), "stuck"),
    (o.Refused(BUSY), "ended"),
    (o.Rejected(FINAL), "ended"),
    (o.OutcomeLost("accepted"), "running"),
    (o.OutcomeLost("not accepted"), "unsent"),
    (o.Refused(TRANSIENT), "ended"),
)


def outcomes_of(state: State, attempt: Attempt) -> tuple[o.Outcome, ...]:
    """Return the outcomes that a step may see, the best first and the transient failure last."""
    reached = attempt.status not in ("none", "unsent", "ended")
    match state:
        case State.QUEUED:
            return (o.Rejected(FINAL), o.StepFailed(TRANSIENT))
        case State.RECONCILING:
            found = o.OrphanFound("p") if reached else o.OrphanAbsent()
            if attempt.named:
                return (found,)
            return (found, o.StillUncertain("no list", may_resubmit=True), o.StillUncertain("no list"))
        case State.GENERATING if attempt.costs:
            return (o.StillRunning(10, 1.0), o.StepFailed(BUSY), o.StepFailed(TRANSIENT))
        case State.GENERATING if attempt.status == "done":
            return (o.OutputReady(("u",), 1), o.StepFailed(BUSY), o.StepFailed(TRANSIENT))
        case State.GENERATING:
            failed = (o.GenerationFailed(FINAL), o.GenerationFailed(ACCOUNT), o.GenerationFailed(TRANSIENT))
            return (failed[0], o.StepFailed(BUSY), *failed[1:])
        case State.STORING if attempt.status == "done":
            return (o.StepDone(), o.StepFailed(BUSY), o.StepFailed(TRANSIENT))
        case State.STORING:
            return (o.OutputGone(TRANSIENT),)
        case State.TRANSCODING:
            return (o.StepDone(), o.StepFailed(BUSY), o.OutputInvalid(TRANSIENT))
        case _ if state in FINISHING_STATES:
            return (o.StepDone(), o.StepFailed(BUSY), o.StepFailed(TRANSIENT))
        case State.COMPENSATING:
            return (o.Undone(), LEFT_FOR_REVIEW, o.StepFailed(TRANSIENT))
        case _:
            raise Violation(f"a job is {state}, was claimed, and has no step to run")


def is_paused(world: World, rules: Rules) -> bool:
    """Return True if the pause of its step keeps the job from being claimed."""
    return world.pause == "on" and rules.is_pausable(world.job.state)


def _check_pause(world: World) -> None:
    """Raise Violation if a worker begins something in a paused step."""
    if world.pause == "on" and world.job.state in _BEGINS_SOMETHING:
        raise Violation("a worker began a job of a paused step")


def ends_by_the_clock(world: World, rules: Rules) -> bool:
    """Return True if the periodic task that ends overdue jobs would claim the job."""
    facts = facts_of(world.job, world.late, world.long)
    end = rules.policy.deadlines.end_of(facts.state, facts.entered_at, facts.deadline_at)
    return end is not None and end <= NOW


def claimed(world: World, rules: Rules) -> World:
    """Lease the job to another worker and fence off the previous one."""
    if not ends_by_the_clock(world, rules):
        _check_pause(world)
    job = world.job._replace(claims=min(world.job.claims + 1, rules.policy.claims_max + 1))
    worker = Worker(job, world.late, world.long)
    world = fenced(world)
    return world._replace(job=job, leased="live", workers=(*world.workers, worker))


def killed(world: World, index: int) -> World:
    """Remove a worker. Objects that it wrote after it lost its lease stay until the purge."""
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
            yield "it commits the intent", _begun(world, index)
        case "begun":
            yield from _calls(world, index)
        case _:
            recorded = _recorded(world, index, rules)
            yield "it records", recorded
            if recorded.due == "now" and recorded.leased == "no" and _is_handed_on(world, recorded, rules):
                yield "it records, and goes on with the next step", _handed_on(recorded)


def _acts(world: World, index: int, rules: Rules) -> Iterator[Next]:
    worker = world.workers[index]
    if _interrupted(rules, worker.seen, worker.late, worker.long) is not None:
        yield "it is interrupted", _with(world, index, worker._replace(phase="decided"))
        return
    if worker.seen.state is State.QUEUED:
        yield "it prepares a submission", _with(world, index, worker._replace(phase="beginning"))
    for outcome in outcomes_of(worker.seen.state, world.attempt):
        acted = _with(world, index, worker._replace(phase="decided", outcome=outcome))
        yield f"it sees {type(outcome).__name__}", _affected(acted, outcome)


def _affected(world: World, outcome: o.Outcome) -> World:
    """Return the world with the traces of an act that is not recorded yet."""
    if _writes(outcome):
        return world._replace(objects=True)
    if isinstance(outcome, LeftForReview):
        return world._replace(objects=False)
    if isinstance(outcome, o.Undone):
        attempt = world.attempt
        ended = attempt._replace(status="ended") if attempt.known and attempt.costs else attempt
        return world._replace(objects=False, attempt=ended)
    return world


def _begun(world: World, index: int) -> World:
    """Commit the intent under the lease: a fresh attempt, and the same worker goes on."""
    worker = world.workers[index]
    if not _may_record(world, worker):
        return world._replace(workers=_without(world, index))
    move(facts_of(worker.seen, worker.late, worker.long), Event.SUBMIT_STARTED, due_in=timedelta(0))
    orphans = world.orphans or (world.attempt.costs and not world.attempt.excused)
    others = tuple(other._replace(own=False) for other in world.workers)
    world = world._replace(workers=others, attempt=Attempt("unsent"), orphans=orphans, due="now", long=False)
    world = world._replace(job=world.job._replace(state=State.SUBMITTING))
    return _with(world, index, worker._replace(phase="begun", seen=worker.seen._replace(state=State.SUBMITTING)))


def _calls(world: World, index: int) -> Iterator[Next]:
    worker = world.workers[index]
    for outcome, status in _CALLS:
        called = _with(world, index, worker._replace(phase="decided", outcome=outcome))
        if worker.own and status != "unsent":
            attempt = Attempt(status, known=False, excused=not worker.current)
            if attempt.costs and not attempt.excused and world.orphans:
                raise Violation("a job was submitted again while an earlier submission of it was running")
            called = called._replace(attempt=attempt)
        yield f"it calls: {type(outcome).__name__}, {status}", called


def _recorded(world: World, index: int, rules: Rules) -> World:
    """Imitate record_moves.sql, and a worker whose move it dropped."""
    worker = world.workers[index]
    rest = world._replace(workers=_without(world, index))
    if not _may_record(world, worker):
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
    moved = written(rest, decision)
    executed = rules.execute_cancel(standing_of(moved))
    if executed is not None:
        moved = locked(moved, executed)
    if worker.outcome != LEFT_FOR_REVIEW and not (worker.outcome is None and decision.event is Event.UNDONE):
        return moved
    return moved._replace(for_review=True, attempt=moved.attempt._replace(excused=True))


def _is_handed_on(before: World, recorded: World, rules: Rules) -> bool:
    """Return True if the move that made the job due may claim it for the same worker."""
    moved = recorded.job.state is not before.job.state
    paused = is_paused(recorded, rules)
    return moved and not recorded.job.canceled and not paused and recorded.job.state not in TERMINAL


def _handed_on(world: World) -> World:
    """Imitate `lease_for_s` of record_moves.sql."""
    _check_pause(world)
    job = world.job._replace(claims=1)
    worker = Worker(job, world.late, world.long)
    return world._replace(job=job, leased="live", workers=(*world.workers, worker))


def _may_record(world: World, worker: Worker) -> bool:
    return world.job.state is worker.seen.state and (worker.current)


def _with(world: World, index: int, worker: Worker) -> World:
    return world._replace(workers=(*world.workers[:index], worker, *world.workers[index + 1 :]))


def _without(world: World, index: int) -> tuple[Worker, ...]:
    return (*world.workers[:index], *world.workers[index + 1 :])


def _writes(outcome: o.Outcome | None) -> bool:
    return isinstance(outcome, o.StepDone)
