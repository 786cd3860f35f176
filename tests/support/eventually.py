"""Waits for a fact, not for time. Limits scale with the speed of the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache
from typing import Literal, TypeVar

T = TypeVar("T")

# The time of `_calibration` on the machine on which the limits were chosen, while it was idle.
_CALIBRATED_S = 0.012
# A wait ends as soon as the fact is true, so the limits are generous: only a test that hangs takes longer to fail.
_GENEROSITY = 4.0


def eventually(look: Callable[[], T | Literal[False] | None], *, within_s: float = 20.0, every_s: float = 0.01) -> T:
    """Call `look` until it returns something true, and return that; fail the test if it never does.

    `within_s` is the limit on an idle, fast machine, and is scaled.
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
    """Return the limit on this machine, with its present load, for a task of up to `seconds` on an idle one."""
    return seconds * _slowness()


@cache
def _slowness() -> float:
    """Measure once a session how much slower this machine is, with its other processes."""
    began = time.perf_counter()
    _calibration()
    measured = (time.perf_counter() - began) / _CALIBRATED_S
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    return _GENEROSITY * max(1.0, measured, waiting)


def _calibration() -> None:
    total = 0
    for number in range(400_000):
        total += number
