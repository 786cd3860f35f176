"""A system for each test: its own database and provider, and the session's servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from diorama.embedded import EmbeddedPostgres, EmbeddedS3
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from storage import S3Store
from tests.support.simulator_control import SimulatorControl
from tests.support.system import Servers, System, running_system


@pytest.fixture(scope="session")
def servers(
    postgres_server: EmbeddedPostgres, migrated_template: str, s3_server: EmbeddedS3, shared_store: S3Store
) -> Servers:
    """The session's servers, on which a test makes systems."""
    return Servers(postgres_server, migrated_template, s3_server, shared_store)


@pytest.fixture(scope="session")
def shared_provider() -> Iterator[Background]:
    """Start a provider that draws each kind of picture once and finishes a prediction in a fifth of a second.

    A stuck prediction stays stuck: at this speed, the provider would otherwise end it after nine seconds.
    """
    with Background(SimulatorSettings(speed=200, canned=True, seed=1, run_limit_s=360_000.0)) as running:
        yield running


@pytest.fixture
def provider(shared_provider: Background) -> Iterator[Background]:
    """Return the session's provider, which keeps only its drawings from one test to the next."""
    yield shared_provider
    SimulatorControl(shared_provider.api_url).reset()


@pytest.fixture
def system(
    engine: Engine, database_url: str, s3_server: EmbeddedS3, store: S3Store, provider: Background, tmp_path: Path
) -> Iterator[System]:
    """Start a system without workers."""
    with running_system(engine, database_url, s3_server, store, provider, tmp_path) as made:
        yield made
