"""An account with a selfie, what undoing needs, and a simulator, for tests of the engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from jobs.engine.hints import Hinter
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from simulator.sketch import Sketch
from storage import S3Store
from tests.jobs.steps.undoing import Undoing
from tests.support.factories import World, make_world


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


@pytest.fixture
def hinter(engine: Engine) -> Iterator[Hinter]:
    hinter = Hinter(engine)
    yield hinter
    hinter.close()


@pytest.fixture(scope="session")
def simulator() -> Iterator[Background]:
    """Start the simulator of the session, some thousand times faster than the real service.

    Stuck predictions stay stuck: the limit of half an hour would be 0.18 s at this speed, which slow machines reach.
    """
    with Background(SimulatorSettings(speed=10_000, canned=True, seed=1, run_limit_s=3.6e7), Sketch()) as running:
        yield running


@pytest.fixture
def undoing(engine: Engine, store: S3Store) -> Undoing:
    return Undoing(engine, store)
