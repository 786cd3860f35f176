"""One server and one database serve most tests: each test has its own account, which sees nothing of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from diorama.embedded import EmbeddedPostgres
from tests.support.databases import create_database, unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Server, serving


@pytest.fixture(scope="session")
def api_database(postgres_server: EmbeddedPostgres, migrated_template: str) -> str:
    """Return the address of a migrated database that all tests of this folder share."""
    return create_database(postgres_server.url, unique_name("api"), migrated_template)


@pytest.fixture(scope="session")
def server(api_database: str) -> Iterator[Server]:
    """Yield the API as in production."""
    with serving(api_database) as running:
        yield running


@pytest.fixture
def acme(server: Server) -> Partner:
    """Return a partner with an account of its own."""
    return partner(server, unique_name("acme"))


@pytest.fixture
def rival(server: Server) -> Partner:
    """Return another partner."""
    return partner(server, unique_name("rival"))


@pytest.fixture
def support(server: Server) -> Partner:
    """Return a member of the support staff."""
    return partner(server, unique_name("support"), role="admin")


@pytest.fixture
def new_partner(server: Server) -> Callable[[], Partner]:
    """Return a function that makes another partner."""
    return lambda: partner(server, unique_name("partner"))
