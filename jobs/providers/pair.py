"""The two providers of a process: the real one, and the stand-in of test jobs."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs.providers.absent import AbsentProvider
from jobs.providers.provider import Provider


@dataclass(frozen=True, slots=True)
class ProviderPair:
    """The provider of live jobs and that of test jobs. Neither is ever called for a job of the other kind."""

    live: Provider
    test: Provider = field(default_factory=AbsentProvider)

    def of(self, *, is_test: bool) -> Provider:
        """Return the provider of a job."""
        return self.test if is_test else self.live
