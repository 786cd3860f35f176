"""A small world around one story: an avatar, two scenes and two videos, and everything that can happen to all of them.

The other world, around one job, has every state of a job. Here a job works, or does not: what matters is what siblings
and parents do to each other. The rules are the real ones; imitated are the plan of a roll-back (`plan_compensation`),
the read of its parents (`parents_to_roll_back.sql`) and the family of a redrive (`family.sql`). A worker that records
two jobs at once ends them in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple
from uuid import UUID

from statemachine import commands, relatives
from statemachine.decisions import Decision, Standing
from statemachine.relatives import Moved, Waiting
from statemachine.vocabulary import TERMINAL, Event, OnFailure, State
from tests.statemachine.row import HOUR
from tests.statemachine.world import Violation

# The parent of each job: an avatar, its first scene with two videos, and its second scene.
PARENTS: tuple[int | None, ...] = (None, 0, 1, 1, 0)
JOBS = range(len(PARENTS))
_BAD = (State.COMPENSATING, State.FAILED, State.CANCELED)
# A cancel or a failure is as possible in one of these as in any other.
_WORKING = (State.QUEUED, State.SUBMITTING)


class Member(NamedTuple):
    """A job. `error` says why it ends: its own failure, that of its parent, or that of a child."""

    state: State
    canceled: bool = False
    error: str = ""
    plans_roll_back: bool = False


class Story(NamedTuple):
    """The jobs of a story, how often one of them may still be retried, and whether one was."""

    jobs: tuple[Member, ...]
    retries: int = 0
    retried: bool = False


Next = tuple[str, Story]


@dataclass(frozen=True)
class FamilyRules:
    """The rules under examination; a mutant replaces one."""

    on_failure: OnFailure = OnFailure.ROLL_BACK_PARENT
    follow: Callable[..., dict[UUID, Decision]] = relatives.follow
    roll_back: Callable[..., Decision | None] = relatives.roll_back
    cancel: Callable[..., Decision | None] = commands.cancel
    execute_cancel: Callable[..., Decision | None] = commands.execute_cancel
    is_used: Callable[[Story, int], bool] = lambda story, parent: any(
        story.jobs[child].state not in _BAD for child in children(parent)
    )


BIRTH = Story((Member(State.QUEUED), *(Member(State.WAITING) for _ in JOBS[1:])))


def children(parent: int) -> list[int]:
    """Return the jobs that are made from a job."""
    return [job for job in JOBS if PARENTS[job] == parent]


def possible(story: Story, rules: FamilyRules) -> Iterator[Next]:
    """Yield everything that may happen next, in any order."""
    for job in JOBS:
        yield from _works(story, job, rules)
        yield from _canceled(story, [job], f"{job} is canceled", rules)
        yield from _retried(story, job, rules)
    yield from _canceled(story, list(JOBS), "the story is canceled", rules)
    undone = [job for job in JOBS if story.jobs[job].state is State.COMPENSATING]
    for size in (1, 2):
        for group in combinations(undone, size):
            yield f"{group} end", _ended(story, group, rules)


def _works(story: Story, job: int, rules: FamilyRules) -> Iterator[Next]:
    match story.jobs[job].state:
        case State.QUEUED:
            yield f"{job} begins", _put(story, job, state=State.SUBMITTING)
        case State.SUBMITTING if story.jobs[job].canceled:
            decision = rules.execute_cancel(_standing(story.jobs[job]._replace(state=State.GENERATING)))
            if decision is not None:
                yield f"{job} executes its cancel", _moved(story, {job: (decision.to_state, "canceled")}, rules)
        case State.SUBMITTING:
            yield f"{job} succeeds", _moved(story, {job: (State.SUCCEEDED, "")}, rules)
            yield f"{job} fails", _moved(story, {job: (State.COMPENSATING, "failed")}, rules)


def _canceled(story: Story, jobs: list[int], label: str, rules: FamilyRules) -> Iterator[Next]:
    """Imitate `cancel_all`: the canceled, and those that wait for them."""
    found = {job: story.jobs[job] for job in jobs if commands.can_be_canceled(_standing(story.jobs[job]))}
    decisions = {job: rules.cancel(_standing(member)) for job, member in found.items()}
    if not any(decisions.values()):
        return
    for job, decision in decisions.items():
        if decision is not None:
            story = _put(story, job, canceled=True)
    moves = {job: (decision.to_state, "canceled") for job, decision in decisions.items() if decision is not None}
    yield label, _moved(story, moves, rules)


def _retried(story: Story, job: int, rules: FamilyRules) -> Iterator[Next]:
    """Imitate a redrive: of the job with its missing parents, and of those that failed because of it."""
    if not story.retries or story.jobs[job].state not in commands.ENDED_BADLY:
        return
    above, below = _missing_above(story, job), _failed_below(story, job)
    if any(story.jobs[each].state is State.COMPENSATING for each in (*above, *below)):
        return
    revived = [each for each in (job, *above, *below) if story.jobs[each].state in commands.ENDED_BADLY]
    top = min(revived)
    parent = PARENTS[top]
    for each in revived:
        works = each == top and (parent is None or story.jobs[parent].state is State.SUCCEEDED)
        target = State.QUEUED if works else State.WAITING
        assert commands.redrive(_standing(story.jobs[each]), target, deadline=HOUR, reason=None) is not None
        story = _put(story, each, state=target, canceled=False, error="", plans_roll_back=False)
    yield f"{job} is retried", story._replace(retries=story.retries - 1, retried=True)


def _missing_above(story: Story, job: int) -> list[int]:
    parent = PARENTS[job]
    if parent is None or story.jobs[parent].state is State.SUCCEEDED:
        return []
    return [parent, *_missing_above(story, parent)]


def _failed_below(story: Story, job: int) -> list[int]:
    failed = [
        each for each in children(job) if story.jobs[each].error == "consequence" and story.jobs[each].state in _BAD
    ]
    return [*failed, *(below for each in failed for below in _failed_below(story, each))]


def _moved(story: Story, moves: dict[int, tuple[State, str]], rules: FamilyRules) -> Story:
    """Write the moves of a transaction, and those of the jobs that wait for them."""
    parents: dict[UUID, Moved] = {}
    for job, (state, error) in moves.items():
        story = _written(story, job, state, error, rules)
        parents[_id(job)] = Moved(state, story.jobs[job].canceled)
    decisions = rules.follow(parents, _waiting_below(story, parents))
    for each, decision in decisions.items():
        story = _put(story, each.int, canceled=story.jobs[each.int].canceled or decision.cancels)
        error = "" if decision.event is Event.PARENT_READY else "consequence"
        story = _written(story, each.int, decision.to_state, error, rules)
    return story


def _waiting_below(story: Story, parents: dict[UUID, Moved]) -> list[Waiting]:
    """Imitate waiting_below.sql."""
    found: set[int] = set()
    for job in JOBS:
        parent = PARENTS[job]
        direct = parent is not None and _id(parent) in parents
        if story.jobs[job].state is State.WAITING and (direct or parent in found):
            found.add(job)
    return [Waiting(_id(job), _id(PARENTS[job] or 0), _standing(story.jobs[job])) for job in sorted(found)]


def _written(story: Story, job: int, state: State, error: str, rules: FamilyRules) -> Story:
    """Write one move, and plan its roll-back as `plan_compensation` does."""
    parent, member = PARENTS[job], story.jobs[job]
    begins_to_end = state is State.COMPENSATING and member.state is not State.COMPENSATING
    takes = rules.on_failure is OnFailure.ROLL_BACK_STORY or (
        rules.on_failure is OnFailure.ROLL_BACK_PARENT and error != "rolled back"
    )
    plans = begins_to_end and takes and not member.canceled and parent is not None
    plans = plans and story.jobs[parent or 0].state is State.SUCCEEDED
    return _put(story, job, state=state, error=error or member.error, plans_roll_back=plans or member.plans_roll_back)


def _ended(story: Story, group: tuple[int, ...], rules: FamilyRules) -> Story:
    """End compensated jobs in one transaction, and roll back the parents that they planned to."""
    planned = {PARENTS[job] for job in group if story.jobs[job].plans_roll_back}
    for job in group:
        state = State.CANCELED if story.jobs[job].canceled else State.FAILED
        story = _put(story, job, state=state, plans_roll_back=False)
    for parent in sorted(each for each in planned if each is not None):
        decision = rules.roll_back(_standing(story.jobs[parent]), is_used=rules.is_used(story, parent))
        if decision is not None:
            story = _moved(story, {parent: (decision.to_state, "rolled back")}, rules)
    return story


def check(story: Story) -> None:
    """Raise Violation unless every invariant is true."""
    for job in JOBS[1:]:
        member, parent = story.jobs[job], story.jobs[PARENTS[job] or 0]
        if member.state in (*_WORKING, State.SUCCEEDED) and parent.state is not State.SUCCEEDED:
            raise Violation(f"{job} is {member.state} although what it is made from is {parent.state}")
        if member.state is State.WAITING and parent.state in (State.SUCCEEDED, *_BAD):
            raise Violation(f"{job} waits for ever: what it waits for is {parent.state}")
    for job in JOBS:
        member = story.jobs[job]
        if member.canceled and member.state not in (State.SUBMITTING, State.COMPENSATING, State.CANCELED):
            raise Violation(f"{job} was canceled and is {member.state}")


def check_end(story: Story, rules: FamilyRules) -> None:
    """Raise Violation for what must not be once all jobs have ended and none was retried."""
    if not has_ended(story) or story.retried:
        return
    for job in JOBS:
        member = story.jobs[job]
        errors = [story.jobs[child].error for child in children(job)]
        if member.error == "rolled back" and not {"failed", *_ALLOWED[rules.on_failure]} & set(errors):
            raise Violation(f"{job} was rolled back although nothing failed that takes it along")
        if member.error == "rolled back" and rules.on_failure is OnFailure.KEEP:
            raise Violation(f"{job} was rolled back although all was to be kept")
        if member.state is State.SUCCEEDED and set(errors) == {"failed"} and rules.on_failure is not OnFailure.KEEP:
            raise Violation(f"{job} was left although everything that was made from it failed")


def has_ended(story: Story) -> bool:
    """Return whether all jobs have ended."""
    return all(member.state in TERMINAL for member in story.jobs)


# What takes a parent along beside a failure: under ROLL_BACK_STORY, the roll-back of a child.
_ALLOWED = {
    OnFailure.KEEP: (),
    OnFailure.ROLL_BACK_PARENT: (),
    OnFailure.ROLL_BACK_STORY: ("rolled back",),
}


def explore(rules: FamilyRules, *, retries: int = 0) -> int:
    """Visit every world that can be reached, and return their number. Raises Violation with the path to it."""
    born = BIRTH._replace(retries=retries)
    came_from: dict[Story, tuple[Story | None, str]] = {born: (None, "requested")}
    layer = [born]
    while layer:
        layer = [reached for story in layer for reached in _visited(story, rules, came_from)]
    return len(came_from)


_CameFrom = dict[Story, tuple[Story | None, str]]


def _visited(story: Story, rules: FamilyRules, came_from: _CameFrom) -> Iterator[Story]:
    """Check a world, and yield those that follow it and have not been seen."""
    following = list(possible(story, rules))
    _check(story, rules, came_from, is_stuck=not following and not has_ended(story))
    for label, reached in following:
        if reached not in came_from:
            came_from[reached] = (story, label)
            yield reached


def _check(story: Story, rules: FamilyRules, came_from: _CameFrom, *, is_stuck: bool) -> None:
    try:
        check(story)
        check_end(story, rules)
        if is_stuck:
            raise Violation("a story never ends")
    except Violation as error:
        steps: list[str] = []
        at: Story | None = story
        while at is not None:
            at, label = came_from[at]
            steps.append(label)
        raise Violation(f"{error}\n{' > '.join(reversed(steps))}") from error


def _standing(member: Member) -> Standing:
    return Standing(member.state, 0, 0, member.canceled)


def _put(story: Story, job: int, **changes: Any) -> Story:
    jobs = list(story.jobs)
    jobs[job] = jobs[job]._replace(**changes)
    return story._replace(jobs=tuple(jobs))


def _id(job: int) -> UUID:
    return UUID(int=job)
