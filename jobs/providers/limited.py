"""A provider behind the limiter: each call takes its permit, and the limiter observes its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.transient import is_transient
from jobs.providers import inline
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
        """Return a prediction, or raise ProviderError, also if the read budget is spent."""
        wait_s = self._limiter.read_in_s()
        if wait_s > 0:
            raise ProviderError(_out_of_reads(wait_s))
        return self._noticed(lambda: self._inner.get(prediction_id))

    def cancel(self, prediction_id: str) -> Prediction | None:
        """Cancel a prediction at once, whatever the budget: each second it runs costs money."""
        self._limiter.must_read()
        return self._noticed(lambda: self._inner.cancel(prediction_id))

    def upload(self, name: str, content: bytes, token: UUID) -> str:
        """Store a picture at the provider, or raise ProviderError, also if the budget is spent.

        No submission works without its picture, so a failed upload counts like a failed submission.
        """
        wait_s = self._limiter.read_in_s()
        if wait_s > 0:
            raise ProviderError(_out_of_reads(wait_s))
        try:
            return self._noticed(lambda: self._inner.upload(name, content, token))
        except ProviderError as error:
            # One rejected picture is no outage.
            is_final = error.failure.retry_policy is RetryPolicy.NEVER
            outcome = Rejected(error.failure) if is_final else Refused(error.failure)
            notice(lambda: self._limiter.observe(outcome))
            raise

    def remove(self, address: str) -> None:
        """Remove an uploaded picture, or raise ProviderError, also if the read budget is spent."""
        wait_s = self._limiter.read_in_s()
        if wait_s > 0:
            raise ProviderError(_out_of_reads(wait_s))
        self._noticed(lambda: self._inner.remove(address))

    def now(self) -> datetime:
        """Return the provider's time. This may take a call, so one is booked."""
        self._limiter.must_read()
        return self._noticed(self._inner.now)

    def find(self, sought: Sought) -> str | None:
        """Return the id of the prediction of a submission, or None if the list does not show it."""
        return find_in(self.listed(*created_between(self.now(), sought.age)), sought)

    def listed(self, after: datetime, before: datetime | None = None) -> Iterator[tuple[Listed, ...]]:
        """Yield the predictions created between two times, newest first, one call per page."""
        pages = self._inner.listed(after, before)
        while (page := self._noticed(lambda: next(pages, None))) is not None:
            # Only now is it known that this was a call and not the end of the list.
            self._limiter.must_read()
            yield page

    def fetch(self, url: str, *, most_bytes: int) -> AbstractContextManager[tuple[str, Iterator[bytes]]]:
        """Open an output. Downloads are not API calls and are not counted; reading an inline output is one."""
        if url.startswith(inline.ADDRESS):
            return self._fetch_inline(url, most_bytes)
        return self._inner.fetch(url, most_bytes=most_bytes)

    @contextmanager
    def _fetch_inline(self, url: str, most_bytes: int) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Read the prediction that contains an output; the limiter observes that call, and not the reader's errors."""
        self._limiter.must_read()
        with ExitStack() as stack:
            opened = self._inner.fetch(url, most_bytes=most_bytes)
            yield self._noticed(lambda: stack.enter_context(opened))

    def _noticed(self, call: Callable[[], R]) -> R:
        try:
            return call()
        except ProviderError as error:
            failure = error.failure
            notice(lambda: self._limiter.observe_read(failure))
            raise


def notice(take: Callable[[], None]) -> None:
    """Run an observation of the limiter; if the database is away, drop it: a paid response matters more."""
    try:
        take()
    except SQLAlchemyError as error:
        if not is_transient(error):
            raise
        log.warning("the limiter missed a response", why=type(error).__name__)


def _out_of_reads(wait_s: float) -> Failure:
    return Failure(
        ErrorCode.PROVIDER_UNAVAILABLE,
        "The picture service is busy. We keep trying.",
        RetryPolicy.WAIT,
        "our own read budget is spent for now",
        wait_s,
    )
