"""Fixtures for all tests. The servers start when the first test asks for them, and serve the whole session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from diorama.embedded import THROWAWAY_SETTINGS, EmbeddedPostgres
from tests.servers import create_database, drop_database, unique_name


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One Postgres for the session; each test makes its own database on it."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings=THROWAWAY_SETTINGS) as server:
        yield server


@pytest.fixture
def new_database(postgres_server: EmbeddedPostgres) -> Iterator[Callable[[str | None], str]]:
    """A function that makes a database, as a copy of the template if one is named, and returns its URL.

    The databases are dropped after the test.
    """
    with ExitStack() as undo:

        def create(template: str | None = None) -> str:
            name = unique_name("test")
            undo.callback(drop_database, postgres_server.url, name)
            return create_database(postgres_server.url, name, template)

        yield create
