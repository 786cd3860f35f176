"""The provider's interface: upload, submit, get, cancel, find, and fetching an output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from statemachine.outcomes import Accepted, Failure, OutcomeLost, Refused, Rejected


class NotSent(Exception):
    """A submission was stopped by its final check; the provider received nothing."""


def _go_ahead() -> None:
    """Allow the submission."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A paid call about to be made. `token` is the attempt's own, and finds the prediction again.

    `webhook` is the URL to notify of its start and end, or None for no webhooks. `final_check` is called just before
    the first byte is sent; it raises NotSent to stop the call.
    """

    model: str
    input: dict[str, Any]
    token: UUID
    cancel_after: timedelta
    webhook: str | None = None
    final_check: Callable[[], None] = _go_ahead


@dataclass(frozen=True, slots=True)
class Prediction:
    """A prediction as the provider reports it. `status` is the provider's word, known or not.

    `output` contains the URLs of the outputs; `error` is free text; `predict_s` the billed run time; `has_started` True
    once it runs, from when on it costs money even if canceled. `created_at` and `took_s`, the time from then to its
    end, are by the provider's clock; None if not given. `oddity` describes an output without URLs, else None.
    """

    id: str
    status: str
    output: tuple[str, ...]
    error: str | None
    logs: str
    data_removed: bool
    predict_s: float | None
    has_started: bool = True
    created_at: datetime | None = None
    took_s: float | None = None
    oddity: str | None = None

    @property
    def is_running(self) -> bool:
        """Return True while it runs. An unknown status counts as running: the deadline ends it."""
        return self.status not in ("succeeded", "failed", "canceled", "aborted")

    def charged(self, price: int) -> int:
        """Return the cost of a prediction that has ended: failed, aborted and unstarted ones are free."""
        is_paid = self.status == "succeeded" or (self.status == "canceled" and self.has_started)
        return price if is_paid else 0


@dataclass(frozen=True, slots=True)
class Sought:
    """A submission to search for: its correlation ids, and its age.

    `picture_url` is the URL of its own picture at the provider, None if none was uploaded for it. `is_traceable` is
    True if its inputs carry the token or that URL.
    """

    token: UUID
    age: timedelta
    picture_url: str | None = None
    is_traceable: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """A prediction in the provider's list, with its creation time and correlation ids.

    `tokens` and `addresses` are those in its inputs and in its webhook's URL.
    """

    prediction: Prediction
    tokens: frozenset[UUID]
    created_at: datetime
    addresses: frozenset[str] = frozenset()

    def is_of(self, sought: Sought) -> bool:
        """Return True if this is the prediction of a submission."""
        return sought.token in self.tokens or sought.picture_url in self.addresses


class ProviderError(Exception):
    """A read or a cancel failed. `failure` gives the reason and the retry policy."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.detail or failure.message)


class OutputVanished(Exception):
    """The output is no longer at its URL."""


class Provider(Protocol):
    """A provider of generation models. Every method may be called from any thread."""

    def submit(self, submission: Submission) -> Accepted | Refused | Rejected | OutcomeLost:
        """Make the paid call once, never repeating it, and return what is known of it.

        Raises NotSent if the final check stops it.
        """

    def get(self, prediction_id: str) -> Prediction:
        """Return a prediction, or raise ProviderError."""

    def cancel(self, prediction_id: str) -> Prediction | None:
        """Cancel a prediction and return it as it is then; None if it is unknown.

        One that has ended stays as it is. Raises ProviderError.
        """

    def upload(self, name: str, content: bytes, token: UUID) -> str:
        """Store a JPEG at the provider for some hours, tagged with a token, and return its URL for models.

        Every upload has its own URL. Raises ProviderError.
        """

    def remove(self, address: str) -> None:
        """Remove an uploaded picture. One that is gone is fine. Raises ProviderError."""

    def now(self) -> datetime:
        """Return the provider's time at the start of this call. Raises ProviderError."""

    def find(self, sought: Sought) -> str | None:
        """Return the id of a submission's prediction, or None if the list does not show it.

        Raises ProviderError if the provider cannot say.
        """

    def listed(self, after: datetime, before: datetime | None = None) -> Iterator[tuple[Listed, ...]]:
        """Yield the predictions created between two times of the provider's clock, newest first, one call per page.

        Raises ProviderError.
        """

    def fetch(self, url: str, *, most_bytes: int) -> AbstractContextManager[tuple[str, Iterator[bytes]]]:
        """Open an output: its content type and its bytes in chunks.

        Raises OutputVanished if it is gone, larger than `most_bytes`, or on a foreign host, and ProviderError for
        anything else; both also while the bytes are read.
        """
