"""A harness for each provider (the fake, the fake behind the limiter, the real client), and a second engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import Engine

from db.connection import DatabaseSettings, connect
from jobs.providers.guard import Timeouts
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from simulator.serve import Background
from tests.jobs.providers.harness import (
    FakeHarness,
    HttpHarness,
    LimitedHarness,
    ProviderHarness,
)
from tests.support.simulator_control import SimulatorControl


@pytest.fixture(scope="session")
def over_http(simulator: Background) -> Iterator[HttpHarness]:
    settings = ReplicateSettings(
        "r8_test",
        base_url=simulator.api_url,
        delivery_hosts=(simulator.delivery_url.removeprefix("http://"),),
        timeouts=Timeouts(response_s=5.0),
    )
    # All tests share one client of each kind: reading the trusted certificates takes longer than most tests.
    with closing(ReplicateProvider(settings)) as provider:
        yield HttpHarness(provider, SimulatorControl(simulator.api_url))


@pytest.fixture(params=["fake", "limited", "replicate"])
def harness(request: pytest.FixtureRequest, over_http: HttpHarness) -> Iterator[ProviderHarness]:
    if request.param != "replicate":
        yield LimitedHarness() if request.param == "limited" else FakeHarness()
        return
    yield over_http
    over_http.control.reset()


@pytest.fixture
def others(database_url: str) -> Iterator[Engine]:
    """Yield a second engine on the test's database, for the workers of another process."""
    engine = connect(DatabaseSettings(database_url, pool_size=4), name="other")
    yield engine
    engine.dispose()
