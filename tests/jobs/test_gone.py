"""A look at a prediction that the provider does not know: the simulator answers 404 over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from db.claims import ClaimedJob
from db.effects import AttemptChanged
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from jobs.runtime import Runtime
from jobs.steps.poll import poll
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from statemachine.backoff import RetryPolicy
from statemachine.decisions import Decision, decide
from statemachine.outcomes import Cure, GenerationFailed, StepFailed
from statemachine.states import Event, State
from tests.factories import World, claimed, make_job

SETTLES_S = 10.0


@pytest.fixture
def runtime(engine: Engine) -> Iterator[Runtime]:
    with Background(SimulatorSettings(instant=True, seed=1)) as simulator:
        provider = ReplicateProvider(ReplicateSettings("r8_test", base_url=simulator.api_url))
        nothing = cast(Any, None)
        yield Runtime(
            engine, nothing, provider, nothing, recorder=nothing, renewer=nothing, list_settles_after_s=SETTLES_S
        )
        provider.close()


def running(engine: Engine, world: World, *, age_s: float) -> ClaimedJob:
    """Claim a job that runs under an id that the provider never gave, and was taken so long ago."""
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world, State.GENERATING))
    model = "openai/gpt-image-2.5-sunburst"
    return replace(job, model=model, accepted_at=job.now - timedelta(seconds=age_s), listed_at=None)


def decided(job: ClaimedJob, outcome: GenerationFailed | StepFailed) -> Decision:
    return decide(job.facts, outcome, job.now, RetryPolicy(), Random(1))


def test_a_prediction_that_is_no_longer_known_is_made_again_and_counts_as_paid_for(
    engine: Engine, world: World, runtime: Runtime
) -> None:
    job = running(engine, world, age_s=SETTLES_S + 60)
    work = poll(job, runtime)
    assert isinstance(work.outcome, GenerationFailed)
    (changed,) = work.effects
    assert isinstance(changed, AttemptChanged)
    assert changed.status == "failed"
    assert changed.cost_micros == work.outcome.cost_micros > 0
    assert "no longer knows" in (changed.error_detail or "")
    decision = decided(job, work.outcome)
    assert (decision.event, decision.to_state) == (Event.GENERATION_FAILED, State.QUEUED)


def test_it_is_not_made_again_without_end(engine: Engine, world: World, runtime: Runtime) -> None:
    job = replace(running(engine, world, age_s=SETTLES_S + 60), accepted=RetryPolicy().attempts_max)
    work = poll(job, runtime)
    assert isinstance(work.outcome, GenerationFailed)
    assert decided(job, work.outcome).to_state is State.COMPENSATING


def test_a_young_prediction_may_not_have_arrived_everywhere_and_is_looked_at_again(
    engine: Engine, world: World, runtime: Runtime
) -> None:
    job = running(engine, world, age_s=SETTLES_S / 2)
    work = poll(job, runtime)
    assert isinstance(work.outcome, StepFailed)
    assert work.outcome.failure.cure is Cure.WAIT
    decision = decided(job, work.outcome)
    assert (decision.to_state, decision.failures) == (State.GENERATING, job.failures)
