"""Waiting for a fact, not for time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within_s: float = 20.0, every_s: float = 0.02) -> T:
    """Call `look` until it returns something true, and return that; fail the test where it never does."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {within_s:g} s: {look!r} returned {found!r}")
        time.sleep(every_s)
