"""The rate at which a caller may send requests: a token bucket for each, in the memory of one process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from db.records.ledger import WalletKey
from jobs.identity import Principal
from schema.errors import RATE_LIMITED, ApiError

WINDOW_S = 60
# A bucket is full again after a minute without requests: only with more callers than this in a minute, one is dropped
# that was not full.
_BUCKETS_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Rate:
    """The requests that a caller has left: `remaining` of `quota`, and all of them again in `full_in_s` seconds.

    `retry_after_s` is None for a request that is allowed, else the seconds after which the next one is.
    """

    quota: int
    remaining: int
    full_in_s: int
    retry_after_s: int | None = None

    @property
    def error(self) -> ApiError | None:
        """Return the error of a request that is refused, or None for one that is allowed."""
        if self.retry_after_s is None:
            return None
        message = f"At most {self.quota} requests a minute are served; try again in {self.retry_after_s} s."
        return ApiError(RATE_LIMITED, message, retryable=True, retryAfterMs=1000 * self.retry_after_s)

    @property
    def headers(self) -> dict[str, str]:
        """Return the header fields of draft-ietf-httpapi-ratelimit-headers, and Retry-After for a refusal."""
        shown = {
            "RateLimit-Policy": f'"requests";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"requests";r={self.remaining};t={self.full_in_s}',
        }
        return shown if self.retry_after_s is None else {**shown, "Retry-After": str(self.retry_after_s)}


@dataclass(slots=True)
class RequestRates:
    """The buckets of a process: one for the keys of an account, and one for all sessions of each of its users.

    A bucket has as many tokens as requests a minute are allowed, and is filled evenly. Belongs to one event loop.
    """

    of_key: int
    of_session: int
    clock: Callable[[], float] = time.monotonic
    # The tokens that a caller had left, and when; the one seen last is at the end.
    _buckets: OrderedDict[WalletKey, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, caller: Principal) -> Rate:
        """Take a token for a request, if there is one."""
        tokens = self._tokens(caller)
        is_allowed = tokens >= 1
        tokens -= is_allowed
        self._buckets[caller.wallet] = tokens, self.clock()
        self._buckets.move_to_end(caller.wallet)
        if len(self._buckets) > _BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return self._rate(caller, tokens, is_allowed=is_allowed)

    def look(self, caller: Principal) -> Rate:
        """Return what a caller has left, without taking anything."""
        return self._rate(caller, self._tokens(caller), is_allowed=True)

    def _tokens(self, caller: Principal) -> float:
        quota, now = self._quota(caller), self.clock()
        tokens, at = self._buckets.get(caller.wallet, (quota, now))
        return min(quota, tokens + (now - at) * quota / WINDOW_S)

    def _rate(self, caller: Principal, tokens: float, *, is_allowed: bool) -> Rate:
        quota = self._quota(caller)
        per_s = quota / WINDOW_S
        wait = None if is_allowed else max(1, ceil((1 - tokens) / per_s))
        return Rate(quota, int(tokens), ceil((quota - tokens) / per_s), wait)

    def _quota(self, caller: Principal) -> int:
        return self.of_key if caller.session is None else self.of_session
