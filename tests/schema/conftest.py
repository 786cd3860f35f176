"""One server and one database for most tests: each test has an account of its own, which sees nothing of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from diorama.embedded import EmbeddedPostgres
from tests.support.databases import create_database, unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Server, serving


@pytest.fixture(scope="session")
def api_database(postgres_server: EmbeddedPostgres, migrated_template: str) -> str:
    """The address of a migrated database that all tests of this folder share."""
    return create_database(postgres_server.url, unique_name("api"), migrated_template)


@pytest.fixture(scope="session")
def server(api_database: str) -> Iterator[Server]:
    """The API as in production."""
    with serving(api_database) as running:
        yield running


@pytest.fixture
def acme(server: Server) -> Partner:
    """A partner with an account of its own."""
    return partner(server, unique_name("acme"))


@pytest.fixture
def rival(server: Server) -> Partner:
    """Another partner."""
    return partner(server, unique_name("rival"))


@pytest.fixture
def support(server: Server) -> Partner:
    """A member of the support staff."""
    return partner(server, unique_name("support"), role="support")


@pytest.fixture
def new_partner(server: Server) -> Callable[[], Partner]:
    """A function that makes another partner."""
    return lambda: partner(server, unique_name("partner"))
