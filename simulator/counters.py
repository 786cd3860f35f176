"""Counts what was asked of the simulator and how it answered."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Requests by operation, answers by operation and status, webhooks by what became of them."""

    requests: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    webhooks: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, dict[str, int]]:
        """Return all counts, by name."""
        return {
            "requests": dict(self.requests),
            "answers": dict(self.answers),
            "webhooks": dict(self.webhooks),
            "faults": dict(self.faults),
        }

    def clear(self) -> None:
        """Count from zero again."""
        for counter in (self.requests, self.answers, self.webhooks, self.faults):
            counter.clear()
