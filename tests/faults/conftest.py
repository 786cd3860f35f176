"""One database for all crashes of a module: the jobs of earlier tests stay in it, and must stay sound."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from db.connection import DatabaseSettings, connect
from diorama.embedded import EmbeddedPostgres
from tests.faults.lab import Lab
from tests.support.databases import create_database, drop_database, unique_name


@pytest.fixture(scope="module")
def one_database(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """Create a migrated database for all tests of a module, and return its address."""
    name = unique_name("crashes")
    yield create_database(postgres_server.url, name, migrated_template)
    drop_database(postgres_server.url, name)


@pytest.fixture(scope="module")
def one_lab(one_database: str) -> Iterator[Lab]:
    """Return a lab on that database."""
    engine = connect(DatabaseSettings(one_database, pool_size=10), name="test")
    lab = Lab(engine, one_database)
    yield lab
    lab.close()
    engine.dispose()
