"""A provider whose calls go through the limiter: each takes its permit, and what becomes of it is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.transient import is_transient
from jobs.providers.limiter import Limiter
from jobs.providers.orphan_search import created_between, find_in
from jobs.providers.provider import Listed, Prediction, Provider, ProviderError, Sought, Submission
from statemachine.outcomes import Accepted, Failure, OutcomeLost, Refused, Rejected, RetryPolicy
from statemachine.vocabulary import ErrorCode

log = structlog.get_logger(__name__)

R = TypeVar("R")


class LimitedProvider:
    """Implements `Provider` over another one. Submissions take their permits with their claims, not here."""

    def __init__(self, inner: Provider, limiter: Limiter) -> None:
        self._inner = inner
        self._limiter = limiter

    def submit(self, submission: Submission) -> Accepted | Refused | Rejected | OutcomeLost:
        """Make the paid call. The caller reports its outcome to the limiter, after recording it."""
        return self._inner.submit(submission)

    def get(self, prediction_id: str) -> Prediction:
        """Return a prediction, or raise ProviderError, also where too many have been read."""
        wait_s = self._limiter.read_in_s()
        if wait_s > 0:
            raise ProviderError(_out_of_reads(wait_s))
        return self._noticed(lambda: self._inner.get(prediction_id))

    def cancel(self, prediction_id: str) -> Prediction | None:
        """Ask for a prediction to be canceled at once: what runs on costs money."""
        self._limiter.must_read()
        return self._noticed(lambda: self._inner.cancel(prediction_id))

    def upload(self, name: str, content: bytes, token: UUID) -> str:
        """Keep a picture at the provider, or raise ProviderError, also where too many calls have been made.

        Without its picture no submission can be made, so one that fails counts like a submission that does.
        """
        wait_s = self._limiter.read_in_s()
        if wait_s > 0:
            raise ProviderError(_out_of_reads(wait_s))
        try:
            return self._noticed(lambda: self._inner.upload(name, content, token))
        except ProviderError as error:
            # One picture that is not taken, whatever the others are like, is no outage.
            is_final = error.failure.retry_policy is RetryPolicy.NEVER
            outcome = Rejected(error.failure) if is_final else Refused(error.failure)
            notice(lambda: self._limiter.observe(outcome))
            raise

    def now(self) -> datetime:
        """Return the provider's time. It may have to be asked, so a call is booked."""
        self._limiter.must_read()
        return self._noticed(self._inner.now)

    def find(self, sought: Sought) -> str | None:
        """Return the id of the prediction that a submission came to, or None where the list does not show it."""
        return find_in(self.listed(*created_between(self.now(), sought.age)), sought)

    def listed(self, after: datetime, before: datetime | None = None) -> Iterator[tuple[Listed, ...]]:
        """Yield the predictions created between two times, newest first, a call a page."""
        pages = self._inner.listed(after, before)
        while (page := self._noticed(lambda: next(pages, None))) is not None:
            # Only now it is known that this was a call and not the end of the list.
            self._limiter.must_read()
            yield page

    def fetch(self, url: str, *, most_bytes: int) -> AbstractContextManager[tuple[str, Iterator[bytes]]]:
        """Open an output. Files are no calls of the API: nobody counts them."""
        return self._inner.fetch(url, most_bytes=most_bytes)

    def _noticed(self, call: Callable[[], R]) -> R:
        try:
            return call()
        except ProviderError as error:
            failure = error.failure
            notice(lambda: self._limiter.observe_read(failure))
            raise


def notice(take: Callable[[], None]) -> None:
    """Have the limiter take notice; while the database is away, an answer that was paid for counts more than that."""
    try:
        take()
    except SQLAlchemyError as error:
        if not is_transient(error):
            raise
        log.warning("the limiter took no notice of an answer", why=type(error).__name__)


def _out_of_reads(wait_s: float) -> Failure:
    return Failure(
        ErrorCode.PROVIDER_UNAVAILABLE,
        "The picture service is busy. We keep trying.",
        RetryPolicy.WAIT,
        "our own budget of reads is spent for now",
        wait_s,
    )
