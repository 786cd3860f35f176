"""Simulators for the tests: one for all that only read or create, and fresh ones for those that need their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulator.serve import Background
from simulator.settings import SimulatorSettings
from simulator.sketch import Sketch
from tests.simulator.clients import Api
from tests.simulator.receiver import Receiver

FAST: dict[str, Any] = {"speed": 1000.0, "seed": 7, "canned": True}
Start = Callable[..., Api]


@pytest.fixture(scope="session")
def shared() -> Iterator[Background]:
    """A simulator that is a thousand times faster than the real service."""
    with Background(SimulatorSettings(**FAST), Sketch()) as background:
        yield background


@pytest.fixture
def api(shared: Background) -> Iterator[Api]:
    """A client of the shared simulator, which forgets everything afterwards."""
    with Api(shared) as api:
        yield api
        api.control("POST", "/reset")


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a simulator of one's own, with settings over the fast ones, and returns a client of it."""
    started: list[Background] = []

    def begin(**settings: Any) -> Api:
        background = Background(SimulatorSettings(**{**FAST, **settings}), Sketch())
        background.__enter__()
        started.append(background)
        return Api(background)

    yield begin
    for background in started:
        background.__exit__(None, None, None)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that takes webhooks and keeps them."""
    with Receiver() as receiver:
        yield receiver
