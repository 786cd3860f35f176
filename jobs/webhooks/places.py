"""Places in which a worker serves endpoints, so that slow and failing ones keep no other waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jobs.webhooks.pace import WebhookPace


class Places:
    """Counts the places in use. Belongs to one event loop; calls `on_free` when one becomes free."""

    def __init__(self, pace: WebhookPace, on_free: Callable[[], None]) -> None:
        self._pace = pace
        self._on_free = on_free
        self._used = {False: 0, True: 0}
        self._open = 0

    def free(self, *, failing: bool) -> int:
        """Return how many endpoints more may be served, of those whose last attempt failed or of the others."""
        most = self._pace.failing_places if failing else self._pace.places
        return max(0, min(most - self._used[failing], self._pace.open_max - self._open))

    @contextmanager
    def taken(self, *, failing: bool) -> Iterator[None]:
        """Keep a place for the block, or until it has lasted so long that it must not keep others from theirs."""
        self._used[failing] += 1
        self._open += 1
        is_kept = True

        def give_back() -> None:
            nonlocal is_kept
            if is_kept:
                is_kept = False
                self._used[failing] -= 1
                self._on_free()

        # Those that failed before are slow as a rule: they wait for each other.
        slow = None if failing else asyncio.get_running_loop().call_later(self._pace.slow_after_s, give_back)
        try:
            yield
        finally:
            if slow is not None:
                slow.cancel()
            self._open -= 1
            give_back()
            self._on_free()
