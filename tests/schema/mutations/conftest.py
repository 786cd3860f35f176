"""A server with a real object store, and somebody who uploads to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage import S3Store
from tests.support.databases import unique_name
from tests.support.partners import partner
from tests.support.serving import Caller, Server, serving


@pytest.fixture
def storing(api_database: str, store: S3Store) -> Iterator[Server]:
    """Yield a server with a real object store."""
    with serving(api_database, store=store) as running:
        yield running


@pytest.fixture
def uploader(storing: Server) -> Caller:
    """Return a user of a partner of the test's own."""
    return partner(storing, unique_name("uploader")).user()
