"""An exhaustive walk over everything that can happen to one job, with invariants that are checked in every world.

`explore` begins at a job's birth and at every state through which it passes if all goes well, and visits every world
within a number of changes from these. In each it checks the invariants, and that the job ends: if all goes well from
here, if every worker dies from here on, and if every step fails transiently from here on.
`python -m tests.statemachine.explorer DEPTH` walks to the given depth.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from statemachine.backoff import JobPolicy
from statemachine.transitions import IllegalTransition
from statemachine.vocabulary import TERMINAL, State
from tests.statemachine.changes import possible_changes
from tests.statemachine.workers import advanced, claimed, killed
from tests.statemachine.world import Job, Next, Rules, Violation, World

BIRTHS = (World(Job(State.QUEUED)), World(Job(State.WAITING), due="later"))
# A birth in a smaller world, in which support does nothing.
ALONE = {World(Job(State.QUEUED), pause="over", redrives=0, reviews=0): "requested where support does nothing"}
# No job needs more changes than this to end.
_ENDING_MAX = 400

# The states of a canceled job: it waits for the provider's response, or it ends.
_CANCELED_IN = (State.SUBMITTING, State.COMPENSATING, State.FAILED, State.CANCELED)

Chooser = Callable[[World, Rules], World]


@dataclass(frozen=True, slots=True)
class Explored:
    """The extent of a walk: worlds visited, changes tried, and whether no world is left to visit.

    `depth` counts from the nearest beginning.
    """

    worlds: int
    changes: int
    depth: int
    is_complete: bool


def explore(rules: Rules | None = None, *, depth: int, since: Mapping[World, str] | None = None) -> Explored:
    """Visit every world within `depth` changes of a beginning. Raises Violation with the path to it.

    `since` replaces the usual beginnings; its values are their labels.
    """
    return _Walk(rules or Rules(), beginnings() if since is None else since).run(depth)


def beginnings() -> dict[World, str]:
    """Return the births of a job, and its world in each state through which it passes if all goes well."""
    found = dict.fromkeys(BIRTHS, "requested")
    world = BIRTHS[0]
    while world.job.state is not State.SUCCEEDED:
        before, world = world.job.state, all_goes_well(world, Rules())
        if world.job.state is not before and not world.workers:
            found[world] = f"all went well until {world.job.state}"
    return found


class _Walk:
    def __init__(self, rules: Rules, since: Mapping[World, str]) -> None:
        self._rules = rules
        self._came_from: dict[World, tuple[World | None, str]] = {
            world: (None, label) for world, label in since.items()
        }
        self._ends: dict[Chooser, set[World]] = {chooser: set() for chooser in (all_goes_well, all_die, all_fails)}
        self._changes = 0

    def run(self, depth: int) -> Explored:
        layer = list(self._came_from)
        for reached in range(depth):
            layer = [found for world in layer for found in self._visited(world)]
            if not layer:
                return Explored(len(self._came_from), self._changes, reached, is_complete=True)
        for world in layer:
            self._check(world)
        return Explored(len(self._came_from), self._changes, depth, is_complete=False)

    def _visited(self, world: World) -> Iterator[World]:
        """Check a world, and yield those that follow it and have not been seen."""
        self._check(world)
        for label, following in self._following(world):
            self._changes += 1
            if following not in self._came_from:
                self._came_from[following] = (world, label)
                yield following

    def _following(self, world: World) -> list[Next]:
        try:
            return list(possible_changes(world, self._rules))
        except (Violation, IllegalTransition) as error:
            raise Violation(f"{error}\n{self._way_to(world)}") from error

    def _check(self, world: World) -> None:
        try:
            check(world)
            for chooser, ended in self._ends.items():
                _check_it_ends(world, self._rules, chooser, ended)
        except (Violation, IllegalTransition) as error:
            raise Violation(f"{error}\n{self._way_to(world)}") from error

    def _way_to(self, world: World) -> str:
        steps: list[str] = []
        at: World | None = world
        while at is not None:
            at, label = self._came_from[at]
            steps.append(label)
        return " > ".join(reversed(steps))


def check(world: World) -> None:
    """Raise Violation unless every invariant is true in this world."""
    job = world.job
    if (job.state in TERMINAL) != (world.due is None):
        raise Violation(f"a job is {job.state} and due {world.due}: it must be due until it has ended")
    if job.canceled and job.state not in _CANCELED_IN:
        raise Violation(f"a job is {job.state} although it had been canceled: the cancel was not executed")
    if job.state in TERMINAL and world.leased != "no":
        raise Violation(f"a job is {job.state} and still leased")
    if job.state is State.CANCELED and not job.canceled:
        raise Violation("a job ended as canceled without a cancel")
    if job.state in (State.FAILED, State.CANCELED) and not world.workers:
        if world.objects and not world.spilled and not world.for_review:
            raise Violation(f"a job is {job.state} and its objects are still there")
        if world.attempt.known and world.attempt.costs and not world.for_review:
            raise Violation(f"a job is {job.state} and its prediction is still running")
    _check_credits(world)


def _check_credits(world: World) -> None:
    """Check that the credits of a hold are charged or released once, and a charge is refunded at most once."""
    state, (wallet, held, spent) = world.job.state, world.credits
    if wallet + held + spent != 1 or min(world.credits) < 0:
        raise Violation(f"the credits of a job that is {state} do not add up: {world.credits}")
    if state in TERMINAL and world.credits.held:
        raise Violation(f"a job is {state} and credits are still held for it")
    if spent != (state is State.SUCCEEDED) and state is not State.COMPENSATING:
        raise Violation(f"a job is {state} and {spent} of 1 credits are charged for it")


def _check_it_ends(world: World, rules: Rules, choose: Chooser, ended: set[World]) -> None:
    """Follow one path from a world; raise Violation if it never ends."""
    way: list[World] = []
    seen: set[World] = set()
    while world.job.state not in TERMINAL and world not in ended:
        if world in seen:
            # It repeats itself, like a job that waits for the provider: a deadline ends that. The number of transient
            # failures must end it as well.
            world = world._replace(late=world.late or choose is not all_fails, long=True)
        if world in seen or len(way) > _ENDING_MAX:
            raise Violation(f"a job that is {world.job.state} never ends if {choose.__name__.replace('_', ' ')}")
        seen.add(world)
        way.append(world)
        world = choose(world, rules)
    ended.update(way)


def all_goes_well(world: World, rules: Rules) -> World:
    """Return the next world if present workers are gone, time passes, and every step from here on works."""
    return _stepped(world, rules, lambda ways: ways[0][1])


def all_fails(world: World, rules: Rules) -> World:
    """Return the next world if every step from here on fails transiently, and the deadline is far away."""
    if world.job.state is State.COMPENSATING:
        return all_goes_well(world, rules)
    return _stepped(world, rules, lambda ways: ways[-1][1])


def all_die(world: World, rules: Rules) -> World:
    """Return the next world if every worker from here on dies as soon as it begins."""
    if not world.workers:
        return _at_leisure(world) or claimed(world, rules)
    label, following = next(iter(advanced(world, 0, rules)))
    if label in ("it is interrupted", "it records"):
        return following
    return killed(world, 0)


def _stepped(world: World, rules: Rules, pick: Callable[[list[Next]], World]) -> World:
    if len(world.workers) > 1 or (world.workers and not world.workers[0].current):
        return killed(world, 0)
    if world.workers:
        return pick(list(advanced(world, 0, rules)))
    return _at_leisure(world) or claimed(world, rules)


def _at_leisure(world: World) -> World | None:
    """Return the next world that time or a resumed step brings before a worker is needed, or None without one."""
    if world.pause == "on":
        return world._replace(pause="over")
    if world.leased == "live":
        return world._replace(leased="ended")
    if world.job.state is State.WAITING and not world.late:
        return world._replace(late=True, due="now")
    if world.attempt.status == "running":
        return world._replace(attempt=world.attempt._replace(status="done"))
    if world.due == "later":
        return world._replace(due="now")
    return None


def main() -> int:
    """Explore to the depth of the command line, with the real numbers of retries where `full` is named too."""
    depth = int(sys.argv[1]) if len(sys.argv) > 1 else 14
    rules = Rules(policy=JobPolicy()) if "full" in sys.argv else Rules()
    began = time.monotonic()
    found = explore(rules, depth=depth)
    took_s = time.monotonic() - began
    end = "everything" if found.is_complete else f"depth {found.depth}"
    sys.stdout.write(f"{found.worlds} worlds, {found.changes} changes, {end}: sound, in {took_s:.1f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
