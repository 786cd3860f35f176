"""The state and percent of a job, of a story made of several jobs, and of a batch made of several of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from db.records.events import JobEvent
from db.records.jobs import Job
from statemachine.vocabulary import Kind, State

# The weight of each job in its story's percent: what it takes of the time.
_WEIGHTS = {Kind.AVATAR: 3, Kind.SCENE: 3, Kind.ANIMATION: 4}


@dataclass(frozen=True, slots=True)
class Standing:
    """State and percent of a job after the event `seq`."""

    kind: Kind
    state: State
    percent: int
    seq: int

    @classmethod
    def of(cls, job: Job) -> Standing:
        """Return where a job stands now."""
        return cls(job.kind, job.state, job.percent, job.seq)

    @classmethod
    def unborn(cls, job: Job) -> Standing:
        """Return where a job stood before its first event."""
        return cls(job.kind, State.WAITING, 0, 0)

    def after(self, event: JobEvent) -> Standing:
        """Return where the job stood after an event."""
        return replace(self, state=event.to_state, percent=event.percent, seq=event.seq)


def items_of(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return the jobs of each item of a batch: of a story all of its jobs, otherwise one."""
    items: dict[UUID, list[Job]] = {}
    for job in jobs:
        items.setdefault(job.story_id or job.id, []).append(job)
    return list(items.values())


def deciding(states: Sequence[State]) -> int:
    """Return the place of the state that stands for all: the first that goes on.

    When all have ended, it is the first that did not succeed, or else the last.
    """
    going_on = (place for place, state in enumerate(states) if not state.is_terminal)
    unsuccessful = (place for place, state in enumerate(states) if state is not State.SUCCEEDED)
    return next(going_on, next(unsuccessful, len(states) - 1))


def story_state(standings: Sequence[Standing]) -> State:
    """Return the state of the first job that goes on; when all have ended, of the first that did not succeed."""
    states = [at.state for at in standings]
    return states[deciding(states)]


def story_percent(standings: Sequence[Standing]) -> int:
    """Return the weighted percent of the jobs. It never falls, because none of theirs does."""
    total = sum(_WEIGHTS[at.kind] for at in standings)
    return sum(_WEIGHTS[at.kind] * at.percent for at in standings) // total


def batch_state(items: Sequence[Sequence[Standing]]) -> State:
    """Return the state of the first item that goes on; when all have ended, of the first that did not succeed."""
    states = [story_state(item) for item in items]
    return states[deciding(states)]


def batch_percent(items: Sequence[Sequence[Standing]]) -> int:
    """Return the mean percent of the items. It never falls, because none of theirs does."""
    return sum(story_percent(item) for item in items) // len(items)
