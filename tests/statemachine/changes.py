"""All changes that can come next in a small world around one job.

The rules are the real ones: `decide`, `interrupt`, `commands`, `relatives`, and the tables of transitions and of states
that can be paused. The rest is imitated: the row and the ledger (`row`), the provider's work on a submission, workers
that die, freeze and come back (`workers`), and the acts of people (`people`).
"""

from __future__ import annotations

from collections.abc import Iterator

from statemachine.vocabulary import TERMINAL, State
from tests.statemachine.people import by_people
from tests.statemachine.row import fenced, with_its_parent
from tests.statemachine.workers import advanced, claimed, ends_by_the_clock, is_paused, killed
from tests.statemachine.world import Next, Rules, World


def possible_changes(world: World, rules: Rules) -> Iterator[Next]:
    """Yield everything that may happen next, in any order."""
    yield from _to_the_row(world, rules)
    yield from by_people(world, rules)
    yield from _at_the_provider(world)
    yield from _by_webhook(world)
    for index in range(len(world.workers)):
        yield "a worker is killed", killed(world, index)
        yield from advanced(world, index, rules)


def _to_the_row(world: World, rules: Rules) -> Iterator[Next]:
    job = world.job
    if job.state in TERMINAL:
        return
    if world.leased == "live":
        yield "the lease ends", world._replace(leased="ended")
    if world.due == "later" and job.state is not State.WAITING:
        yield "its time comes, or a webhook that it has ended makes it due", world._replace(due="now")
    if not world.late:
        yield "the deadline passes", world._replace(late=True, due="now" if job.state is State.WAITING else world.due)
    if job.state is State.RECONCILING and not world.long:
        yield "the search for it has taken long enough", world._replace(long=True)
    if _claimable(world, rules):
        yield "a worker claims", claimed(world, rules)
    if job.state is State.WAITING:
        yield from with_its_parent(world, rules)


def _claimable(world: World, rules: Rules) -> bool:
    paused = is_paused(world, rules) and not ends_by_the_clock(world, rules)
    return world.due == "now" and world.leased != "live" and len(world.workers) < rules.workers_max and not paused


def _by_webhook(world: World) -> Iterator[Next]:
    """Imitate take_webhook.sql for a webhook before the response: it fences off a search in progress."""
    attempt = world.attempt
    if attempt.status in ("none", "unsent", "ended") or attempt.known or attempt.named:
        return
    if world.job.state not in (State.SUBMITTING, State.RECONCILING):
        return
    named = world._replace(attempt=attempt._replace(named=True, excused=False))
    if world.job.state is State.RECONCILING:
        job = world.job._replace(claims=0)
        named = fenced(named)._replace(job=job, leased="no", due="now")
    yield "a webhook names its prediction", named


def _at_the_provider(world: World) -> Iterator[Next]:
    attempt = world.attempt
    if attempt.status == "running":
        yield "the prediction succeeds", world._replace(attempt=attempt._replace(status="done"))
        yield "the prediction fails", world._replace(attempt=attempt._replace(status="failed"))
    if attempt.status == "done":
        yield "the output vanishes", world._replace(attempt=attempt._replace(status="gone"))
    if world.orphans:
        yield "the provider's own limit ends an orphan", world._replace(orphans=False)
