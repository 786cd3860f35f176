"""The row of a job in the small world: decisions read it, and moves are written to it.

The decisions are the real ones; the statement that records them and the ledger are imitated here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from statemachine.decisions import Decision, JobFacts, Standing
from statemachine.relatives import Moved
from statemachine.transitions import next_states
from statemachine.vocabulary import Event, State
from tests.statemachine.world import Credits, Job, Next, Rules, Violation, World

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
# Longer than any search for a lost submission.
_LONG = timedelta(days=1)
# Counters stop where they no longer make a difference.
_COUNT_MAX = 4

PARENTS = {
    "its parent is ready": Moved(State.SUCCEEDED),
    "its parent fails": Moved(State.COMPENSATING),
    "its parent is canceled": Moved(State.COMPENSATING, is_canceled=True),
}


def facts_of(job: Job, late: bool, long: bool) -> JobFacts:
    """Return the facts of a claimed job."""
    return JobFacts(
        state=job.state,
        priority=0,
        accepted=job.accepted,
        failures=job.failures,
        claims=job.claims,
        entered_at=NOW - _LONG if long else NOW,
        deadline_at=NOW - HOUR if late else NOW + HOUR,
        cancel_requested=job.canceled,
    )


def standing_of(world: World) -> Standing:
    """Return the facts of a locked job."""
    job = world.job
    return Standing(job.state, 0, job.failures, job.canceled)


def written(world: World, decision: Decision) -> World:
    """Write a move that ends the lease of the job."""
    job = world.job
    if decision.to_state not in next_states(job.state, decision.event):
        raise Violation(f"{job.state} moved to {decision.to_state} by {decision.event}")
    due = None if decision.due_in is None else "now" if decision.is_due_now else "later"
    attempt = world.attempt._replace(known=True) if decision.is_accepted else world.attempt
    if (decision.to_state in (State.FAILED, State.CANCELED) or decision.event is Event.GAVE_UP) and not attempt.known:
        # It was canceled, given up or paid for again before its id was known: the provider's own limit ends it.
        attempt = attempt._replace(excused=True)
    return world._replace(
        job=_moved(job, decision),
        leased="no",
        due=due,
        attempt=attempt,
        late=world.late and decision.new_deadline_in is None,
        long=world.long and decision.to_state is job.state,
        credits=_settled(world.credits, decision.to_state),
    )


def _moved(job: Job, decision: Decision) -> Job:
    accepted = job.accepted + decision.is_accepted - decision.is_free
    failures, canceled = min(decision.failures, _COUNT_MAX), job.canceled
    if decision.new_deadline_in is not None:
        accepted, canceled = 0, False
    return Job(decision.to_state, min(accepted, _COUNT_MAX), failures, 0, canceled or decision.cancels)


def _settled(credits: Credits, state: State) -> Credits:
    """Settle the credits of a job that ends; settled entries are not settled again."""
    wallet, held, spent = credits
    if state is State.SUCCEEDED:
        return Credits(wallet, 0, held)
    if state not in (State.FAILED, State.CANCELED):
        return credits
    return Credits(wallet + held + spent, 0, 0)


def locked(world: World, decision: Decision) -> World:
    """Write a move of a locked job, which fences off every worker."""
    return fenced(written(world, decision))


def fenced(world: World) -> World:
    """Advance the lease, so that every worker is fenced off."""
    return world._replace(workers=tuple(worker._replace(current=False) for worker in world.workers))


def with_its_parent(world: World, rules: Rules) -> Iterator[Next]:
    """Yield the consequences of the moves of a waiting job's parent."""
    for label, moved in PARENTS.items():
        decision = rules.after_parent(standing_of(world), moved)
        if decision is not None:
            yield label, locked(world, decision)
