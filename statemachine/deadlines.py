"""How long a job may take, and how long it may stay in one step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The most that a job and its steps may take, waits and retries within the step included.

    Of a job, from the request to the end: an outage is waited for, but not for ever. A step counts from when the job
    came into its state. Waiting and queueing have no limit of their own, because how long they take is up to others;
    what is submitted is bounded by its lease, what is looked for by `JobPolicy.reconcile_for`, and what has to be
    undone is never given up by the clock.
    """

    job: timedelta = timedelta(hours=6)
    # Longer than any prediction may run; by then its outputs, if there are any, are about to vanish.
    generating: timedelta = timedelta(minutes=90)
    # The provider removes outputs an hour after it has finished: later tries have nothing to fetch.
    storing: timedelta = timedelta(minutes=50)
    transcoding: timedelta = timedelta(hours=2)

    def of(self, state: State) -> timedelta | None:
        """Return how long a job may be in a state; None for as long as the job itself has."""
        match state:
            case State.GENERATING:
                return self.generating
            case State.STORING:
                return self.storing
            case State.TRANSCODING:
                return self.transcoding
            case _:
                return None

    @property
    def of_steps(self) -> dict[State, timedelta]:
        """The states that have a limit of their own, with it."""
        return {state: limit for state in State if (limit := self.of(state)) is not None}

    def end_of(self, state: State, entered_at: datetime, job_deadline_at: datetime) -> datetime | None:
        """Return when a job that came into a state is given up; None where the clock alone never ends it."""
        if state in _NOT_ENDED_BY_THE_CLOCK:
            return None
        limit = self.of(state)
        return job_deadline_at if limit is None else min(job_deadline_at, entered_at + limit)


# What may have been paid for is looked for by a clock of its own, and what has to be undone stays so.
_NOT_ENDED_BY_THE_CLOCK = frozenset(
    {State.SUBMITTING, State.RECONCILING, State.COMPENSATING, State.SUCCEEDED, State.FAILED, State.CANCELED}
)
