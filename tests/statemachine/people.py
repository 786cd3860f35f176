"""Acts of people on the job of the small world: of its owner, of the users of its output, and of support."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from statemachine.commands import can_be_canceled, resume_at
from statemachine.deadlines import Deadlines
from statemachine.vocabulary import TERMINAL, State
from tests.statemachine.row import HOUR, locked, standing_of
from tests.statemachine.world import Next, Rules, Violation, World


def by_people(world: World, rules: Rules) -> Iterator[Next]:
    """Yield the acts of owners and support."""
    if world.job.state in TERMINAL:
        yield from _after_the_end(world, rules)
        return
    if can_be_canceled(standing_of(world)):
        yield from _canceled(world, rules)
    if world.pause == "not yet":
        yield "its step is paused", world._replace(pause="on")
    if world.pause == "on":
        yield "its step is resumed", world._replace(pause="over")


def _canceled(world: World, rules: Rules) -> Iterator[Next]:
    decision = rules.cancel(standing_of(world))
    if decision is None:
        return
    if decision.to_state is world.job.state:
        yield "its cancel is noted", world._replace(job=world.job._replace(canceled=decision.cancels))
    else:
        yield "it is canceled", locked(world, decision)


def _after_the_end(world: World, rules: Rules) -> Iterator[Next]:
    if world.job.state is not State.SUCCEEDED:
        yield from _redriven(world, rules)
        yield from _reviewed(world, rules)
        return
    if not world.used:
        yield "something else is made from it", world._replace(used=True)
    yield from _rolled_back(world, rules)


def _rolled_back(world: World, rules: Rules) -> Iterator[Next]:
    decision = rules.roll_back(standing_of(world), is_used=world.used)
    if decision is None:
        return
    if world.used:
        raise Violation("a job was rolled back although its owner uses its output")
    yield "a job that was made from it fails", locked(world, decision)


def _reviewed(world: World, rules: Rules) -> Iterator[Next]:
    """Compensate again after a review."""
    if not world.for_review or not world.reviews:
        return
    decision = rules.undo_again(standing_of(world), None)
    if decision is not None:
        again = world._replace(for_review=False, reviews=world.reviews - 1)
        yield "support has it undone again", locked(again, decision)


def _redriven(world: World, rules: Rules) -> Iterator[Next]:
    """Redrive an ended job once: from the start, or from the output that is still there."""
    age = timedelta(0) if world.attempt.status == "done" else None
    resumes = resume_at(has_source=False, output_age=age, error=None, deadlines=Deadlines())
    for target in sorted({State.QUEUED, resumes}) if world.redrives else ():
        decision = rules.redrive(standing_of(world), target, deadline=HOUR, reason=None)
        if decision is not None:
            credits = world.credits._replace(wallet=world.credits.wallet - 1, held=1)
            again = world._replace(credits=credits, for_review=False, redrives=world.redrives - 1)
            yield f"it is redriven to {target}", locked(again, decision)
