"""The facts of a job in a state, and what is decided about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from statemachine import outcomes as o
from statemachine.backoff import JobPolicy
from statemachine.decisions import Decision, JobFacts, decide
from statemachine.vocabulary import State

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
POLICY = JobPolicy()


def facts(state: State, **changes: object) -> JobFacts:
    job = JobFacts(
        state=state,
        priority=0,
        accepted=1,
        failures=0,
        claims=1,
        entered_at=NOW,
        deadline_at=NOW + timedelta(hours=1),
        cancel_requested=False,
    )
    return replace(job, **changes)  # type: ignore[arg-type]


def decided(job: JobFacts, outcome: o.Outcome, now: datetime = NOW) -> Decision:
    return decide(job, outcome, now, POLICY, Random(1))
