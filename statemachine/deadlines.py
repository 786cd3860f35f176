"""Deadlines: the longest times that a job may take, as a whole and in one step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The longest times that a job and its steps may take, including waits and retries.

    `job` counts from the request to the end, so that an outage does not keep a job for ever. A step counts from the
    moment the job entered its state. Waiting and queueing have no limit of their own, because they depend on other
    jobs. The lease bounds a submission, `JobPolicy.reconcile_for` the search for one, and compensating never times out.
    """

    job: timedelta = timedelta(hours=6)
    # Longer than any prediction may run; outputs are about to vanish by then.
    generating: timedelta = timedelta(minutes=90)
    # The provider removes outputs an hour after it has finished: later tries find nothing.
    storing: timedelta = timedelta(minutes=50)
    transcoding: timedelta = timedelta(hours=2)

    def of(self, state: State) -> timedelta | None:
        """Return the longest time that a job may stay in a state, or None if only the job's deadline limits it."""
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
        """The states that have a limit of their own, and their limits."""
        return {state: limit for state in State if (limit := self.of(state)) is not None}

    def end_of(self, state: State, entered_at: datetime, job_deadline_at: datetime) -> datetime | None:
        """Return the time at which a job in a state has missed its deadline, or None if no deadline ends this state."""
        if state in _NOT_ENDED_BY_THE_CLOCK:
            return None
        limit = self.of(state)
        return job_deadline_at if limit is None else min(job_deadline_at, entered_at + limit)


# The search for a submission that may have been paid for has its own limit, and compensating never times out.
_NOT_ENDED_BY_THE_CLOCK = frozenset(
    {State.SUBMITTING, State.RECONCILING, State.COMPENSATING, State.SUCCEEDED, State.FAILED, State.CANCELED}
)
