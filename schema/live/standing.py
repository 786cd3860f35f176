"""The state and percent of a job, of a story made of several jobs, and of a batch made of several of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db.records.events import JobEvent
from db.records.jobs import Job
from statemachine.vocabulary import State

# The share of each job in its story's percent: what it takes of the time.
_WEIGHTS: dict[int, tuple[int, ...]] = {1: (100,), 2: (50, 50), 3: (30, 30, 40)}


@dataclass(frozen=True, slots=True)
class Standing:
    """State and percent of a job after the event `seq`."""

    state: State
    percent: int
    seq: int

    @classmethod
    def of(cls, job: Job) -> Standing:
        """Return where a job stands now."""
        return cls(job.state, job.percent, job.seq)

    @classmethod
    def after(cls, event: JobEvent) -> Standing:
        """Return where a job stood after an event."""
        return cls(event.to_state, event.percent, event.seq)


def items_of(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return the jobs of each item of a batch: of a story all of its jobs, otherwise one."""
    items: dict[UUID, list[Job]] = {}
    for job in jobs:
        items.setdefault(job.story_id or job.id, []).append(job)
    return list(items.values())


def story_state(standings: Sequence[Standing]) -> State:
    """Return the state of the first job that has not succeeded; succeeded when all have."""
    return next((at.state for at in standings if at.state is not State.SUCCEEDED), State.SUCCEEDED)


def story_percent(standings: Sequence[Standing]) -> int:
    """Return the weighted percent of the jobs, in their order. It never falls, because none of theirs does."""
    weights = _WEIGHTS.get(len(standings), (1,) * len(standings))
    return sum(weight * at.percent for weight, at in zip(weights, standings, strict=True)) // sum(weights)


def batch_state(items: Sequence[Sequence[Standing]]) -> State:
    """Return the state of the first item that goes on; when all have ended, of the first that did not succeed."""
    states = [story_state(item) for item in items]
    going_on = (state for state in states if not state.is_terminal)
    return next(going_on, next((state for state in states if state is not State.SUCCEEDED), State.SUCCEEDED))


def batch_percent(items: Sequence[Sequence[Standing]]) -> int:
    """Return the mean percent of the items. It never falls, because none of theirs does."""
    return sum(story_percent(item) for item in items) // len(items)
