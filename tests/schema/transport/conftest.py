"""A server that accepts webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.tracking.provider_webhooks import SigningKey
from tests.schema.transport.webhooks import KEY
from tests.support.serving import Server, serving


@pytest.fixture(scope="session")
def webhook_server(api_database: str) -> Iterator[Server]:
    """Yield an API that accepts webhooks."""
    with serving(api_database, webhook_key=SigningKey(KEY)) as running:
        yield running
