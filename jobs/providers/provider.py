"""What the rest of the system knows of a provider: submit, get, cancel, find, and fetching an output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from statemachine.outcomes import Accepted, Failure, OutcomeLost, Refused, Rejected


@dataclass(frozen=True, slots=True)
class Submission:
    """A paid call about to be made. `token` is the attempt's own, and finds the prediction again."""

    model: str
    input: dict[str, Any]
    token: UUID
    cancel_after: timedelta


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the provider says of a prediction. `status` is its word, known or not.

    `output` holds the addresses of the outputs; `error` is its free text; `predict_s` what it counts as run time.
    """

    id: str
    status: str
    output: tuple[str, ...]
    error: str | None
    logs: str
    data_removed: bool
    predict_s: float | None

    @property
    def is_running(self) -> bool:
        """Whether it is still at work. An unknown word is taken for work: the deadline ends it."""
        return self.status not in ("succeeded", "failed", "canceled", "aborted")


class ProviderTrouble(Exception):
    """A read or a cancel did not work. `failure` says why and what helps."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.detail or failure.message)


class OutputVanished(Exception):
    """The output's address answers that there is nothing any more."""


class Provider(Protocol):
    """A provider of generation models. Every call may be made from any thread."""

    def submit(self, submission: Submission) -> Accepted | Refused | Rejected | OutcomeLost:
        """Make the paid call once, never again by itself, and say what is known of it."""

    def get(self, prediction_id: str) -> Prediction:
        """Return a prediction, or raise ProviderTrouble."""

    def cancel(self, prediction_id: str) -> None:
        """Ask for a prediction to be canceled; one that ended or is unknown is fine. Raises ProviderTrouble."""

    def find(self, token: UUID, since: datetime) -> str | None:
        """Return the id of the prediction that carries this token, or None when it provably does not exist.

        Looks at what was created after `since`. Raises ProviderTrouble where the provider can not say.
        """

    def fetch(self, url: str, *, most_bytes: int) -> AbstractContextManager[tuple[str, Iterator[bytes]]]:
        """Open an output: its content type and its bytes in chunks.

        Raises OutputVanished where it is gone, and ProviderTrouble for anything else, also while the bytes are read.
        """
