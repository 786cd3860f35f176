"""Permits that a process takes in advance from a shared budget, so that not every call costs a transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Permits:
    """Takes up to `at_once` permits at a time and forfeits unused ones after `keep_s` seconds.

    `fetch` takes a number of permits and returns how many it got, or none and the seconds to wait.
    """

    def __init__(
        self,
        at_once: int,
        keep_s: float,
        fetch: Callable[[int], tuple[int, float]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_once = at_once
        self._keep_s = keep_s
        self._fetch = fetch
        self._clock = clock
        self._left = 0
        self._forfeited_at = 0.0
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take one and return 0.0; or return the seconds after which the caller should come back."""
        with self._lock:
            if self._left and self._clock() < self._forfeited_at:
                self._left -= 1
                return 0.0
            taken, wait_s = self._fetch(self._at_once)
            self._left = max(0, taken - 1)
            self._forfeited_at = self._clock() + self._keep_s
            return wait_s

    def forfeit(self) -> None:
        """Give up the remaining permits: the provider requested fewer calls."""
        with self._lock:
            self._left = 0
