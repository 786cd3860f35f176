"""The callers of the walk, made once for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.schema.isolation.strangers import Stranger, strangers
from tests.support.serving import Server


@pytest.fixture(scope="module")
def callers(server: Server) -> Iterator[tuple[Stranger, ...]]:
    yield strangers(server)
    # Those of the walk select everything, and would go on in the tests that come after it.
    with server.engine.begin() as conn:
        conn.execute(
            text("UPDATE redrives SET state = 'stopped', wanted = NULL, ended_at = now() WHERE state = 'running'")
        )
