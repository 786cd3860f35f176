"""Waiting for a fact, not for time. Limits scale with the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache
from typing import Literal, TypeVar

T = TypeVar("T")

# How long `_calibration` takes on the machine on which the limits were chosen, idle.
_CALIBRATED_S = 0.012
# Waiting costs nothing where the fact comes, so the limits are generous: a test that hangs may take longer to fail.
_GENEROSITY = 4.0


def eventually(look: Callable[[], T | Literal[False] | None], *, within_s: float = 20.0, every_s: float = 0.01) -> T:
    """Call `look` until it returns something true, and return that; fail the test where it never does.

    `within_s` is meant for an idle, fast machine, and is scaled.
    """
    limit_s = scaled(within_s)
    deadline = time.monotonic() + limit_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {limit_s:g} s: {look!r} returned {found!r}")
        time.sleep(every_s)


def scaled(seconds: float) -> float:
    """Return how long to wait, on this machine as busy as it is, for what takes less than `seconds` on an idle one."""
    return seconds * _slowness()


@cache
def _slowness() -> float:
    """Measure once a session how much slower this machine is now, other processes included."""
    began = time.perf_counter()
    _calibration()
    measured = (time.perf_counter() - began) / _CALIBRATED_S
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    return _GENEROSITY * max(1.0, measured, waiting)


def _calibration() -> None:
    total = 0
    for number in range(400_000):
        total += number
