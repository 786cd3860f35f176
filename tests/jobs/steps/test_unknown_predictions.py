"""A poll may find no prediction: the simulator returns 404 over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import Engine

from db.engine.claims import ClaimedJob
from db.engine.recording import Move, record
from db.engine.row_changes import AttemptChanged
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from jobs.steps.models import Models
from jobs.steps.poll import PollParts, poll
from jobs.steps.result import Work
from simulator.serve import Background
from statemachine.backoff import JobPolicy
from statemachine.decisions import Decision, decide
from statemachine.outcomes import Accepted, GenerationFailed, RetryPolicy, StepFailed, StillRunning
from statemachine.vocabulary import Event, State
from tests.jobs.providers.harness import MODEL, submission
from tests.support.factories import World, claimed, make_job
from tests.support.simulator_control import SimulatorControl

SETTLES_S = 10.0


@pytest.fixture
def parts(engine: Engine, simulator: Background) -> Iterator[PollParts]:
    with closing(ReplicateProvider(ReplicateSettings("r8_test", base_url=simulator.api_url))) as provider:
        yield PollParts(engine, provider, Models(engine), list_settles_after_s=SETTLES_S)


def running(engine: Engine, world: World, prediction_id: str | None = None) -> ClaimedJob:
    """Claim a running job; without `prediction_id` its prediction is unknown to the provider."""
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world, State.GENERATING))
    return as_running(job, prediction_id or job.prediction_id)


def as_running(job: ClaimedJob, prediction_id: str | None) -> ClaimedJob:
    return replace(job, model=MODEL, prediction_id=prediction_id, listed_at=None)


def decided(job: ClaimedJob, work: Work) -> Decision:
    return decide(job.facts, work.outcome, job.claimed_at, JobPolicy(), Random(1))


def missed_poll(engine: Engine, job: ClaimedJob, parts: PollParts) -> ClaimedJob:
    """Record a poll that finds no prediction, and return the job claimed for the next poll."""
    work = poll(job, parts)
    assert isinstance(work.outcome, StepFailed)
    with engine.begin() as conn:
        record(conn, [Move(job.claim, job.state, decided(job, work))])
        return as_running(claimed(conn, job.id), job.prediction_id)


def settled(parts: PollParts) -> PollParts:
    """Return parts for which the list has settled, so that a second miss is believed."""
    return replace(parts, list_settles_after_s=0.0)


def test_one_missed_poll_proves_nothing_and_is_repeated_while_the_list_settles(
    engine: Engine, world: World, parts: PollParts
) -> None:
    job = running(engine, world)
    decision = decided(job, poll(job, parts))
    assert (decision.to_state, decision.failures, decision.cost_micros) == (State.GENERATING, job.failures, 0)
    assert decision.due_in is not None
    assert decision.due_in.total_seconds() == SETTLES_S
    work = poll(missed_poll(engine, job, parts), parts)
    assert isinstance(work.outcome, StepFailed), "a webhook may have made the second poll too early"
    assert work.outcome.failure.retry_policy is RetryPolicy.WAIT
    assert 0 < (work.outcome.failure.retry_after_s or 0) < SETTLES_S


def test_a_prediction_that_is_no_longer_known_is_repeated_and_counts_as_paid_for(
    engine: Engine, world: World, parts: PollParts
) -> None:
    job = missed_poll(engine, running(engine, world), parts)
    work = poll(job, settled(parts))
    assert isinstance(work.outcome, GenerationFailed)
    (changed,) = work.row_changes
    assert isinstance(changed, AttemptChanged)
    assert changed.status == "failed"
    assert changed.cost_micros == work.outcome.cost_micros > 0
    assert "no longer knows" in (changed.error_detail or "")
    decision = decided(job, work)
    assert (decision.event, decision.to_state) == (Event.GENERATION_FAILED, State.QUEUED)
    last = replace(job, accepted=JobPolicy().attempts_max)
    assert decided(last, work).to_state is State.COMPENSATING, "it is not repeated endlessly"


def test_a_prediction_that_polls_miss_is_canceled_before_another_is_paid_for(
    engine: Engine, world: World, parts: PollParts, simulator: Background
) -> None:
    control = SimulatorControl(simulator.api_url)
    control.fault("stick_processing")
    accepted = parts.provider.submit(submission())
    assert isinstance(accepted, Accepted)
    control.fault("not_found", operation="predictions.get")
    job = missed_poll(engine, running(engine, world, accepted.prediction_id), parts)
    work = poll(job, settled(parts))
    control.calm()
    assert isinstance(work.outcome, GenerationFailed)
    assert work.outcome.cost_micros > 0
    assert parts.provider.get(accepted.prediction_id).status == "canceled"


def test_a_poll_that_finds_the_prediction_restarts_the_count(engine: Engine, world: World, parts: PollParts) -> None:
    job = missed_poll(engine, running(engine, world), parts)
    with engine.begin() as conn:
        record(conn, [Move(job.claim, job.state, decided(job, Work(job, StillRunning(10, 1.0))))])
        job = as_running(claimed(conn, job.id), job.prediction_id)
    assert isinstance(poll(job, settled(parts)).outcome, StepFailed)
