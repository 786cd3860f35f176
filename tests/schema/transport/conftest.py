"""A server that takes webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.tracking.provider_webhooks import SigningKey
from tests.schema.transport.webhooks import KEY
from tests.support.serving import Server, serving


@pytest.fixture(scope="session")
def told(api_database: str) -> Iterator[Server]:
    """The API, as it takes webhooks."""
    with serving(api_database, webhook_key=SigningKey(KEY)) as running:
        yield running
