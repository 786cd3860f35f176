"""What the rest of the system knows of a provider: upload, submit, get, cancel, find, and fetching an output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from statemachine.outcomes import Accepted, Failure, OutcomeLost, Refused, Rejected


class NotSent(Exception):
    """A submission was held back at the last moment, and the provider saw nothing of it."""


def _go_ahead() -> None:
    """Hold nothing back."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A paid call about to be made. `token` is the attempt's own, and finds the prediction again.

    `webhook` is the address that is told of its start and its end, or None where nobody can be told. `final_check` is
    called when all is ready and before the first byte is sent; it raises NotSent to hold the call back.
    """

    model: str
    input: dict[str, Any]
    token: UUID
    cancel_after: timedelta
    webhook: str | None = None
    final_check: Callable[[], None] = _go_ahead


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the provider says of a prediction. `status` is its word, known or not.

    `output` holds the addresses of the outputs; `error` is its free text; `predict_s` what it counts as run time;
    `has_started` whether it has begun to run, from when on it costs money even when it is canceled. `created_at` and
    `took_s`, the time from then to its end, are by the provider's own clock; None where it does not say. `oddity` is
    what its output is instead of addresses, None where it is nothing else.
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
        """Whether it is still at work. An unknown word is taken for work: the deadline ends it."""
        return self.status not in ("succeeded", "failed", "canceled", "aborted")

    def charged(self, price: int) -> int:
        """Return what a prediction that has ended costs: failed and aborted ones, and unstarted ones, are free."""
        is_paid = self.status == "succeeded" or (self.status == "canceled" and self.has_started)
        return price if is_paid else 0


@dataclass(frozen=True, slots=True)
class Sought:
    """A submission that is looked for: what it is recognized by, and how long ago it was begun.

    `picture_url` is the address of its own picture at the provider, None where none was uploaded for it.
    `is_traceable` says whether what was sent carries the token or that address.
    """

    token: UUID
    age: timedelta
    picture_url: str | None = None
    is_traceable: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """A prediction as the provider's list shows it, with when it was created and what it can be recognized by.

    `tokens` and `addresses` are those in its inputs and in its webhook's address.
    """

    prediction: Prediction
    tokens: frozenset[UUID]
    created_at: datetime
    addresses: frozenset[str] = frozenset()

    def is_of(self, sought: Sought) -> bool:
        """Whether this is what a submission came to."""
        return sought.token in self.tokens or sought.picture_url in self.addresses


class ProviderError(Exception):
    """A read or a cancel did not work. `failure` says why and what helps."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.detail or failure.message)


class OutputVanished(Exception):
    """The output's address answers that there is nothing any more."""


class Provider(Protocol):
    """A provider of generation models. Every call may be made from any thread."""

    def submit(self, submission: Submission) -> Accepted | Refused | Rejected | OutcomeLost:
        """Make the paid call once, never again by itself, and say what is known of it.

        Raises NotSent where the submission's last look says so.
        """

    def get(self, prediction_id: str) -> Prediction:
        """Return a prediction, or raise ProviderError."""

    def cancel(self, prediction_id: str) -> Prediction | None:
        """Ask for a prediction to be canceled and return it as it is then; None where it is unknown.

        One that has ended stays as it is. Raises ProviderError.
        """

    def upload(self, name: str, content: bytes, token: UUID) -> str:
        """Keep a JPEG at the provider for some hours, marked with a token, and return the address that models read.

        The address is that of no other file. Raises ProviderError.
        """

    def now(self) -> datetime:
        """Return the time by the provider's clock at which this was called. Raises ProviderError."""

    def find(self, sought: Sought) -> str | None:
        """Return the id of the prediction that a submission came to, or None where the list does not show it.

        Raises ProviderError where the provider can not say.
        """

    def listed(self, after: datetime, before: datetime | None = None) -> Iterator[tuple[Listed, ...]]:
        """Yield the predictions created between two times of the provider's clock, newest first, a call a page.

        Raises ProviderError.
        """

    def fetch(self, url: str, *, most_bytes: int) -> AbstractContextManager[tuple[str, Iterator[bytes]]]:
        """Open an output: its content type and its bytes in chunks.

        Raises OutputVanished where it is gone, has more than `most_bytes`, or lies where no output of the provider can
        be, and ProviderError for anything else; both also while the bytes are read.
        """
