"""Counts requests, responses, webhooks and faults."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Requests by operation, responses by operation and status, webhooks by outcome, faults by action."""

    requests: Counter[str] = field(default_factory=Counter)
    responses: Counter[str] = field(default_factory=Counter)
    webhooks: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, dict[str, int]]:
        """Return all counts, by name."""
        return {
            "requests": dict(self.requests),
            "responses": dict(self.responses),
            "webhooks": dict(self.webhooks),
            "faults": dict(self.faults),
        }

    def clear(self) -> None:
        """Reset all counts to zero."""
        for counter in (self.requests, self.responses, self.webhooks, self.faults):
            counter.clear()
