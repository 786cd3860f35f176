"""Deadlines: the longest times that a job may take, as a whole and in one state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from statemachine.steps import ENDED_BY_DEADLINE, STATE_DEADLINES
from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The longest times that a job may take as a whole and in each state, including waits and retries.

    `job` counts from the request to the end, so that an outage does not keep a job for ever. That of a state counts
    from the moment the job entered it. Waiting and queueing have no limit of their own, because they depend on other
    jobs. The lease bounds a submission, `JobPolicy.reconcile_for` the search for one, and compensating never times out.
    """

    job: timedelta = timedelta(hours=6)
    of_states: Mapping[State, timedelta] = field(default_factory=lambda: STATE_DEADLINES, hash=False)

    def end_of(self, state: State, entered_at: datetime, job_deadline_at: datetime) -> datetime | None:
        """Return the time at which a job in a state has missed its deadline, or None if no deadline ends this state."""
        if state not in ENDED_BY_DEADLINE:
            return None
        limit = self.of_states.get(state)
        return job_deadline_at if limit is None else min(job_deadline_at, entered_at + limit)
