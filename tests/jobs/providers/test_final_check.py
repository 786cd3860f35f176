"""The final check of the lease stops a submission if its worker was delayed for too long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from db.elapsed import Instant
from jobs.providers.provider import NotSent, Submission
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from statemachine.outcomes import Accepted
from tests.support.simulator_control import SimulatorControl

MODEL = "openai/gpt-image-2.5-sunburst"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Background]:
    with Background(SimulatorSettings(speed=200, canned=True, seed=1)) as running:
        yield running


@pytest.fixture
def provider(simulator: Background) -> Iterator[ReplicateProvider]:
    provider = ReplicateProvider(ReplicateSettings("r8_test", base_url=simulator.api_url))
    yield provider
    provider.close()


def submission(**final_check: Any) -> Submission:
    return Submission(MODEL, {"prompt": "a figure"}, uuid4(), timedelta(minutes=1), **final_check)


def creates(simulator: Background) -> int:
    return SimulatorControl(simulator.api_url).creates()


def stop() -> None:
    raise NotSent("61.0 s have passed")


@pytest.mark.parametrize("is_connected", [False, True], ids=["new connection", "connection kept alive"])
def test_a_stopped_submission_never_reaches_the_provider(
    simulator: Background, provider: ReplicateProvider, is_connected: bool
) -> None:
    if is_connected:
        assert isinstance(provider.submit(submission()), Accepted)
    before = creates(simulator)
    with pytest.raises(NotSent, match="61"):
        provider.submit(submission(final_check=stop))
    assert creates(simulator) == before
    assert isinstance(provider.submit(submission()), Accepted), "the next call is not affected"


def test_the_check_runs_once_per_paid_call_after_the_connection_opens(
    simulator: Background, provider: ReplicateProvider
) -> None:
    """Opening a connection may take seconds, and the worker may be frozen meanwhile."""
    bills: list[int] = []
    accepted = provider.submit(submission(final_check=lambda: bills.append(creates(simulator))))
    assert isinstance(accepted, Accepted)
    assert bills == [creates(simulator) - 1]
    provider.get(accepted.prediction_id)
    provider.cancel(accepted.prediction_id)
    assert len(bills) == 1, "only paid calls are checked"


@pytest.mark.parametrize("clock", ["monotonic_s", "boottime_s", "wall_s"])
def test_the_clock_that_counted_the_most_time_is_believed(clock: str) -> None:
    earlier = Instant(100.0, 100.0, 100.0)
    later = Instant(**{"monotonic_s": 101.0, "boottime_s": 101.0, "wall_s": 40.0, clock: 190.0})
    assert later.since(earlier) == 90.0
