"""The provider of test jobs where none is configured: it accepts nothing, and has nothing of what was there before.

Test keys are refused then, so these are jobs that were requested before the setting was removed. They wait until it is
back or until their deadlines, and are undone like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from jobs.providers import failures
from jobs.providers.provider import Listed, OutputVanished, Prediction, ProviderError, Sought, Submission
from statemachine.outcomes import Failure, Refused, RetryPolicy
from statemachine.vocabulary import ErrorCode

_AWAY: Final = Failure(
    ErrorCode.PROVIDER_UNAVAILABLE,
    "There is no test mode at present. We keep trying.",
    RetryPolicy.WAIT,
    "TEST_PROVIDER_URL is not set",
    60.0,
)


class AbsentProvider:
    """Implements `Provider` without one."""

    def submit(self, submission: Submission) -> Refused:
        """Refuse it: nothing is sent."""
        return Refused(_AWAY)

    def get(self, prediction_id: str) -> Prediction:
        """Raise ProviderError: it is not known here."""
        raise ProviderError(failures.of_status(404, "TEST_PROVIDER_URL is not set", None))

    def cancel(self, prediction_id: str) -> None:
        """Return None: there is nothing to cancel."""

    def upload(self, name: str, content: bytes, token: UUID) -> str:
        """Raise ProviderError: nothing can be stored."""
        raise ProviderError(_AWAY)

    def remove(self, address: str) -> None:
        """Do nothing: it is gone."""

    def now(self) -> datetime:
        """Return our own time."""
        return datetime.now(UTC)

    def find(self, sought: Sought) -> None:
        """Return None: there is nothing to find."""

    def listed(self, after: datetime, before: datetime | None = None) -> Iterator[tuple[Listed, ...]]:
        """Yield nothing."""
        return iter(())

    def fetch(self, url: str, *, most_bytes: int) -> AbstractContextManager[tuple[str, Iterator[bytes]]]:
        """Raise OutputVanished: it is gone."""
        raise OutputVanished("TEST_PROVIDER_URL is not set")
