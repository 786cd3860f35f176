"""The account's rate limits, as two token buckets, whose levels are in the headers of every response."""

from __future__ import annotations

import math

from simulator.clock import Clock
from simulator.problems import Throttled
from simulator.settings import RateLimits


class Bucket:
    """A token bucket of up to `per_min` permits, which gains as many a minute."""

    def __init__(self, per_min: int, clock: Clock) -> None:
        self.per_min = per_min
        self._clock = clock
        self._level = float(per_min)
        self._filled_at = clock.now()

    def take(self) -> bool:
        """Take a permit, or return False if there is none."""
        self._fill()
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True

    def refill(self) -> None:
        """Fill the bucket."""
        self._level = float(self.per_min)

    @property
    def retry_after_s(self) -> int:
        """The whole seconds until the next permit, at least 1."""
        return max(1, math.ceil((1.0 - self._level) * 60.0 / self.per_min))

    @property
    def headers(self) -> dict[str, str]:
        """The `ratelimit-*` headers: permits left, and seconds until the bucket is full."""
        missing = self.per_min - self._level
        reset_s = math.ceil(missing * 60.0 / self.per_min)
        return {"ratelimit-remaining": str(int(self._level)), "ratelimit-reset": str(max(1, reset_s))}

    def _fill(self) -> None:
        now = self._clock.now()
        gained = (now - self._filled_at) * self.per_min / 60.0
        self._level = min(float(self.per_min), self._level + max(0.0, gained))
        self._filled_at = now


class Limits:
    """One bucket for creating predictions and one for everything else."""

    def __init__(self, settings: RateLimits, clock: Clock) -> None:
        self.enabled = settings.enabled
        self.creates = Bucket(settings.creates_per_min, clock)
        self.others = Bucket(settings.others_per_min, clock)

    def admit(self, *, creates: bool) -> dict[str, str]:
        """Count a request and return the headers for its response. Raises Throttled if no permit is left."""
        bucket = self.creates if creates else self.others
        if not self.enabled:
            return bucket.headers
        if not bucket.take():
            raise Throttled(bucket.retry_after_s)
        return bucket.headers

    def refill(self) -> None:
        """Fill both buckets."""
        self.creates.refill()
        self.others.refill()
