"""Servers that are awakened by hints alone, or that look for themselves."""

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
    """A server without the slow poll: only hints wake it."""
    with serving(api_database, ApiSettings(poll_every=NEVER), name=unique_name("hinted")) as running:
        yield running


@pytest.fixture
def alone(database_url: str) -> Iterator[Server]:
    """The same on a database of its own, where no other server listens."""
    with serving(database_url, ApiSettings(poll_every=NEVER)) as running:
        yield running


@pytest.fixture
def patient(api_database: str) -> Iterator[Server]:
    """A server that looks for itself every 50 ms."""
    with serving(api_database, ApiSettings(poll_every=timedelta(milliseconds=50))) as running:
        yield running
