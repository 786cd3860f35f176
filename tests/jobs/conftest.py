"""Fixtures for tests of the engine: an account with a selfie, hints, and the parts that undo jobs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from jobs.engine.hints import Hinter
from storage import S3Store
from tests.jobs.steps.undoing import Undoing
from tests.support.factories import World, make_world


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


@pytest.fixture
def hinter(engine: Engine) -> Iterator[Hinter]:
    hinter = Hinter(engine)
    yield hinter
    hinter.close()


@pytest.fixture
def undoing(engine: Engine, store: S3Store) -> Undoing:
    return Undoing(engine, store)
