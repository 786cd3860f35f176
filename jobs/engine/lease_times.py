"""Lease times: how long a claim of each step lasts, and renewing it up to the step's deadline."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta

from db.engine.claims import ClaimedJob
from jobs.engine.leases import KeptLease, Renewer
from statemachine.deadlines import Deadlines
from statemachine.steps import SPEC_OF
from statemachine.vocabulary import Step


@dataclass(frozen=True, slots=True)
class Leases:
    """The durations of leases. Steps that may take longer renew theirs.

    A submission is not interrupted to renew its lease, so its lease also covers the time the response may take.
    """

    usual: timedelta = timedelta(seconds=60)
    response_within: timedelta = timedelta(seconds=60)

    def of(self, step: Step) -> timedelta:
        """Return how long a claim of a step lasts."""
        return self.usual + self.response_within if SPEC_OF[step].submits else self.usual


@dataclass(frozen=True, slots=True)
class LeaseKeeper:
    """Renews the leases of long steps."""

    renewer: Renewer
    leases: Leases = field(default_factory=Leases)
    deadlines: Deadlines = field(default_factory=Deadlines)

    def keeping(self, job: ClaimedJob, step: Step) -> AbstractContextManager[KeptLease]:
        """Keep a job's lease alive while the block runs, up to the deadline of the step or job."""
        ends_at = self.deadlines.end_of(job.state, job.entered_at, job.deadline_at)
        return self.renewer.keeping(job.claim, self.leases.of(step), ends_at)
