"""The harness of these tests, and a server that receives webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.support.receiver import Receiver
from tests.support.webhooks import Hooks


@pytest.fixture
def hooks(engine: Engine, database_url: str) -> Hooks:
    return Hooks(engine, database_url)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running
