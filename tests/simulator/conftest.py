"""Simulators for the tests: a shared one for those that only read or create, and fresh ones for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from simulator.serve import Background
from simulator.settings import SimulatorSettings
from simulator.sketch import Sketch
from tests.simulator.clients import Api
from tests.support.receiver import Receiver

FAST: dict[str, Any] = {"speed": 4000.0, "seed": 7, "canned": True}
Start = Callable[..., Api]


@pytest.fixture(scope="session")
def shared() -> Iterator[Background]:
    """A simulator that is thousands of times as fast as the real service."""
    with Background(SimulatorSettings(**FAST), Sketch()) as background:
        yield background


@pytest.fixture
def api(shared: Background) -> Iterator[Api]:
    """A client of the shared simulator, which is reset afterwards."""
    with Api(shared) as api:
        yield api
        api.control("POST", "/reset")


@pytest.fixture(scope="session")
def shared_drawing() -> Iterator[Background]:
    """A simulator whose outputs depend on the input pictures."""
    with Background(SimulatorSettings(**{**FAST, "canned": False}), Sketch()) as background:
        yield background


@pytest.fixture
def drawing(shared_drawing: Background) -> Iterator[Api]:
    """A client of the simulator that draws, which is reset afterwards, except for its cached drawings."""
    with Api(shared_drawing) as api:
        yield api
        api.control("POST", "/reset")


@pytest.fixture
def start() -> Iterator[Start]:
    """A function that starts a separate simulator, with settings that override the fast ones, and returns a client."""
    with ExitStack() as started:

        def begin(**settings: Any) -> Api:
            background = Background(SimulatorSettings(**{**FAST, **settings}), Sketch())
            return started.enter_context(Api(started.enter_context(background)))

        yield begin


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that receives webhooks and stores them."""
    with Receiver() as receiver:
        yield receiver
