"""Deliveries to partners: when a failed attempt is repeated, and when an endpoint is disabled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from statemachine.vocabulary import WebhookDisabledReason

GONE_STATUS = 410


@dataclass(frozen=True, slots=True)
class WebhookPolicy:
    """The waits after the first, the second and so on failed attempt; the last is that of all later ones.

    Each is longer by up to `jitter` of itself, so that endpoints that failed together are not retried together.
    """

    delays_s: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0)
    jitter: float = 0.2
    gives_up_after: timedelta = timedelta(days=3)

    def delay_after(self, failures: int, rng: Random, requested_s: float | None = None) -> timedelta:
        """Return the wait after the `failures`-th failure in a row (1-based), or the one requested if it is longer."""
        base_s = self.delays_s[min(failures, len(self.delays_s)) - 1]
        return timedelta(seconds=max(base_s * (1 + self.jitter * rng.random()), requested_s or 0.0))

    def reason_to_disable(self, status: int | None, failing_for: timedelta) -> WebhookDisabledReason | None:
        """Return why an endpoint gets no further attempt after a failure, or None if it does.

        `status` is that of its response; `failing_for` is the time since the first failure in a row.
        """
        if status == GONE_STATUS:
            return WebhookDisabledReason.GONE
        return WebhookDisabledReason.FAILED if failing_for >= self.gives_up_after else None
