"""Providers and a store that do what one test scripts; `fakes` has those that behave like the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from jobs.providers import failures
from jobs.providers.provider import Listed, Prediction, Provider, ProviderError, Sought, Submission
from statemachine.outcomes import Accepted, Failure, OutcomeLost, Refused, Rejected, RetryPolicy
from statemachine.vocabulary import ErrorCode
from storage import ObjectInfo, S3Store


@dataclass
class ScriptedProvider:
    """Throttles, fails or finds no prediction as often as set, then cancels."""

    fails: int = 0
    retry_policy: RetryPolicy = RetryPolicy.RETRY
    unknown: int = 0
    throttles: int = 0
    canceled: list[str] = field(default_factory=list)

    def cancel(self, prediction_id: str) -> Prediction | None:
        if self.throttles > 0:
            self.throttles -= 1
            raise ProviderError(failures.of_status(429, "Request was throttled.", 7.0))
        if self.fails > 0:
            self.fails -= 1
            raise ProviderError(Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", self.retry_policy, "it said 503"))
        if self.unknown > 0:
            self.unknown -= 1
            return None
        self.canceled.append(prediction_id)
        return Prediction(prediction_id, "canceled", (), None, "", False, None, has_started=False)


@dataclass
class SearchedProvider(ScriptedProvider):
    """Shows lost predictions in its list from search number `shows_at` on, or has no list."""

    shows_at: int = 1
    is_listed: bool = True
    searches: list[UUID] = field(default_factory=list)

    def find(self, sought: Sought) -> str | None:
        if not self.is_listed:
            raise ProviderError(failures.unreachable(TimeoutError("no list")))
        self.searches.append(sought.token)
        return "found" if len(self.searches) >= self.shows_at else None


@dataclass(frozen=True)
class ThreePages:
    """A provider whose list has three pages, with the sought prediction on the second; its other calls fail."""

    token: UUID
    time: datetime

    def get(self, prediction_id: str) -> Prediction:
        """Raise a throttle error."""
        raise ProviderError(failures.of_status(429, "Request was throttled.", 60))

    def upload(self, name: str, content: bytes, token: UUID) -> str:
        """Refuse every file."""
        raise ProviderError(failures.of_status(503, "", None))

    def remove(self, address: str) -> None:
        """Refuse every call."""
        raise ProviderError(failures.of_status(503, "", None))

    def now(self) -> datetime:
        """Return a fixed time."""
        return self.time

    def listed(self, after: datetime, before: datetime | None = None) -> Iterator[tuple[Listed, ...]]:
        """Yield the pages."""
        for tokens in (frozenset(), frozenset({self.token}), frozenset()):
            yield (Listed(Prediction("p", "processing", (), None, "", False, None), tokens, self.time),)


class SilentProvider:
    """A provider whose responses are lost."""

    def submit(self, submission: Submission) -> OutcomeLost:
        """Lose the response."""
        return OutcomeLost("no response")


class FrozenStore:
    """The store of a worker that is frozen before it lists the objects to delete."""

    def __init__(self, store: S3Store, meanwhile: Callable[[], None]) -> None:
        self._store = store
        self._meanwhile = meanwhile
        self.delete = store.delete

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._meanwhile()
        return self._store.list(prefix)


class ForwardingProvider:
    """A provider that passes every call on; those that interfere override the calls that they interfere with."""

    def __init__(self, inner: Provider) -> None:
        self.inner = inner

    def submit(self, submission: Submission) -> Accepted | Refused | Rejected | OutcomeLost:
        return self.inner.submit(submission)

    def get(self, prediction_id: str) -> Prediction:
        return self.inner.get(prediction_id)

    def cancel(self, prediction_id: str) -> Prediction | None:
        return self.inner.cancel(prediction_id)

    def upload(self, name: str, content: bytes, token: UUID) -> str:
        return self.inner.upload(name, content, token)

    def remove(self, address: str) -> None:
        self.inner.remove(address)

    def now(self) -> datetime:
        return self.inner.now()

    def find(self, sought: Sought) -> str | None:
        return self.inner.find(sought)

    def listed(self, after: datetime, before: datetime | None = None) -> Iterator[tuple[Listed, ...]]:
        return self.inner.listed(after, before)

    def fetch(self, url: str, *, most_bytes: int) -> AbstractContextManager[tuple[str, Iterator[bytes]]]:
        return self.inner.fetch(url, most_bytes=most_bytes)
