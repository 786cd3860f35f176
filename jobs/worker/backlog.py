"""The backlog of a lane: which accounts have due jobs that this process did not claim, for want of places.

A job that is handed over overtakes the jobs that are already due. Within one account that does no harm, but it must not
make another account wait.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from db.engine.claims import ClaimedJob

# Another account's job may have become due since the last claim. After this time there is room for a claim to find it.
_SEEN_FOR_S = 0.25


class Backlog:
    """The accounts that may have due jobs left, as the last claim of the lane found them."""

    def __init__(self) -> None:
        self._accounts: frozenset[UUID] = frozenset()
        self._seen_at = 0.0

    def observe(self, jobs: Sequence[ClaimedJob], room: int) -> None:
        """Learn from a claim of up to `room` jobs: only where it filled its room may more jobs be due."""
        self._accounts = frozenset(job.account_id for job in jobs) if len(jobs) >= room else frozenset()
        self._seen_at = time.monotonic()

    def places(self, places: int, account_id: UUID) -> int:
        """Return how many of the places jobs of an account may be handed over to.

        While jobs of others may be due, half of the places are left for claims.
        """
        return places // 2 if self._concerns_others(account_id) else places

    def _concerns_others(self, account_id: UUID) -> bool:
        if not self._accounts:
            return False
        return self._accounts != {account_id} or time.monotonic() - self._seen_at > _SEEN_FOR_S
