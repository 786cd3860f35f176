"""The provider's list is read a page at a time, and no further than needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from jobs.providers.provider import Sought, Submission
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from tests.support.simulator_control import SimulatorControl

PAGE = 100


@pytest.fixture
def simulator() -> Iterator[Background]:
    with Background(SimulatorSettings(instant=True, seed=1)) as running:
        yield running


@pytest.fixture
def provider(simulator: Background) -> Iterator[ReplicateProvider]:
    provider = ReplicateProvider(ReplicateSettings("r8_test", base_url=simulator.api_url))
    yield provider
    provider.close()


def submission(token: UUID) -> Submission:
    webhook = f"https://127.0.0.1/webhook?token={token}"
    return Submission("openai/gpt-image-2.5-sunburst", {"prompt": "x"}, token, timedelta(minutes=1), webhook)


def test_the_search_for_a_lost_submission_skips_predictions_created_long_after_it(
    simulator: Background, provider: ReplicateProvider
) -> None:
    """After an outage of the list at the full rate, later predictions would fill more pages than can be read."""
    token = uuid4()
    provider.submit(submission(token))
    SimulatorControl(simulator.api_url).advance(600)
    for _ in range(PAGE):
        provider.submit(submission(uuid4()))
    assert provider.find(Sought(token, timedelta(seconds=600))) is not None
    counts = SimulatorControl(simulator.api_url).counters()
    assert counts["requests"]["predictions.list"] == 1


@pytest.mark.parametrize("ahead_s", [-400, 400])
def test_a_lost_submission_is_found_by_the_providers_clock(simulator: Background, ahead_s: float) -> None:
    """By our clock, which may be minutes off, the list would show nothing, and the job would be paid for again."""
    simulator.call(lambda state: state.scheduler.advance(ahead_s))
    settings = ReplicateSettings("r8_test", base_url=simulator.api_url)
    token = uuid4()
    with closing(ReplicateProvider(settings)) as submitter, closing(ReplicateProvider(settings)) as finder:
        submitter.submit(submission(token))
        # The second client has no response yet from which it could know the provider's time.
        assert finder.find(Sought(token, timedelta(seconds=2))) is not None
