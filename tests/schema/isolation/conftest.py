"""The callers of the walk, made once for all tests of a file."""

from __future__ import annotations

import pytest

from tests.schema.isolation.strangers import Stranger, strangers
from tests.support.serving import Server


@pytest.fixture(scope="module")
def callers(server: Server) -> tuple[Stranger, ...]:
    return strangers(server)
