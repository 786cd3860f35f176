"""Servers that only hints wake, and servers that also poll."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from schema.transport.app import ApiSettings
from tests.schema.live.subscribers import NEVER
from tests.support.databases import unique_name
from tests.support.serving import Server, serving


@pytest.fixture
def hinted(api_database: str) -> Iterator[Server]:
    """Yield a server without the slow poll: only hints wake it."""
    with serving(api_database, ApiSettings(poll_every=NEVER), name=unique_name("hinted")) as running:
        yield running


@pytest.fixture
def alone(database_url: str) -> Iterator[Server]:
    """Yield such a server on a database of its own, where no other server listens."""
    with serving(database_url, ApiSettings(poll_every=NEVER)) as running:
        yield running


@pytest.fixture
def patient(api_database: str) -> Iterator[Server]:
    """Yield a server that polls every 50 ms."""
    with serving(api_database, ApiSettings(poll_every=timedelta(milliseconds=50))) as running:
        yield running
