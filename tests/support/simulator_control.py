"""The simulator's control requests, with which a test makes it misbehave and reads its bill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.eventually import scaled

# One for all tests: reading the trusted certificates, which nothing here needs, takes longer than most calls.
_HTTP = httpx.Client(verify=False, timeout=scaled(60))


@dataclass(frozen=True)
class SimulatorControl:
    """Controls the simulator whose API is at `api_url`."""

    api_url: str

    def fault(self, action: str, **rule: Any) -> None:
        """Make the simulator misbehave."""
        self._call("POST", "faults", {"action": action, **rule})

    def calm(self) -> None:
        """End all faults."""
        self._call("DELETE", "faults")

    def reset(self) -> None:
        """Clear all predictions, faults and counters."""
        self._call("POST", "reset")

    def advance(self, seconds: float) -> None:
        """Let time pass at the simulator."""
        self._call("POST", "clock", {"advance_s": seconds})

    def counters(self) -> Any:
        """Return the numbers of requests, faults and webhooks, each by kind."""
        return self._call("GET", "counters").json()

    def bill(self) -> Any:
        """Return the bill, with subtotals by token and by status."""
        return self._call("GET", "bill").json()

    def creates(self) -> int:
        """Return how many paid calls were accepted, by the bill."""
        return int(self.bill()["creates"])

    def _call(self, method: str, page: str, body: object = None) -> httpx.Response:
        return _HTTP.request(method, f"{self.api_url}/_simulator/{page}", json=body).raise_for_status()
