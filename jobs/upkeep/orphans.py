"""Cancel and book orphans: predictions that went on at the provider without their jobs.

A submission presumed absent may still have been in flight; one that could not be found while the provider's list was
failing may have been running all along. Both can be recognized in the list while the provider keeps inputs, one hour. A
prediction whose cancel failed is known by its id and is stopped as soon as the cancel works.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine

from db.engine.spending import Orphan, Settled, left_running, orphans, settle
from db.public_ids import IdKind, encode_id
from jobs.providers.orphan_search import LAST_SEARCH_AFTER, TOGETHER, created_between, why_absence_proves_nothing
from jobs.providers.provider import Listed, Prediction, Provider, ProviderError, Sought
from statemachine.vocabulary import AttemptStatus

log = structlog.get_logger(__name__)

# The age at which a submission that went on without its job is first searched for.
FIRST_SEARCH_AFTER = timedelta(seconds=60)
_GROUP = 500
# The status of an attempt whose prediction is known and was not stopped.
_RUNNING = AttemptStatus.RUNNING
# In an outage each call runs into its own timeout and delays the tasks behind this one: the rest wait for the next run.
_CANCELS_FOR_S = 30.0


def search_orphans(
    engine: Engine, provider: Provider, first_after: timedelta = FIRST_SEARCH_AFTER, *, is_test: bool = False
) -> int:
    """Search for the orphans of live or of test jobs that are due, and return how many duplicates were booked.

    Makes no call if none are due. If the provider cannot be queried, they stay due; a submission that could not be
    searched for within its hour is booked at its full price, because its cost is unknown.
    """
    with engine.connect() as conn:
        due = orphans(conn, is_test=is_test, first_after=first_after, last_after=LAST_SEARCH_AFTER, limit=_GROUP)
        due += left_running(conn, is_test=is_test, last_after=LAST_SEARCH_AFTER, limit=_GROUP)
    found = [settled for settled in _searched(due, provider) if settled is not None]
    if not found:
        return 0
    with engine.begin() as conn:
        settle(conn, found)
    duplicates = [settled for settled in found if settled.status == AttemptStatus.DUPLICATE]
    for settled in duplicates:
        log.warning(
            "a duplicate was canceled", job_id=encode_id(IdKind.JOB, settled.job_id), cost_micros=settled.cost_micros
        )
    return len(duplicates)


def _searched(due: list[Orphan], provider: Provider) -> Iterator[Settled | None]:
    unnamed = [orphan for orphan in due if orphan.noted_prediction_id is None]
    listed = [orphan for orphan in unnamed if _is_listed(orphan)]
    if listed:
        yield from _unnamed(listed, provider)
    # No page of the list could show the others.
    yield from (_written_off(orphan) for orphan in unnamed if not _is_listed(orphan))
    began_at = time.monotonic()
    for orphan in due:
        if orphan.noted_prediction_id is not None:
            is_late = time.monotonic() - began_at > _CANCELS_FOR_S
            yield _written_off(orphan) if is_late else _ended(orphan, orphan.noted_prediction_id, provider)


def _is_listed(orphan: Orphan) -> bool:
    sought = Sought(orphan.token, orphan.age, orphan.picture_url, orphan.is_traceable)
    return why_absence_proves_nothing(sought) is None


def _unnamed(orphans: list[Orphan], provider: Provider) -> Iterator[Settled | None]:
    """Search the provider's list for submissions; its times are by the provider's clock."""
    try:
        # Read first, while the ages are still accurate.
        now = provider.now()
    except ProviderError as error:
        yield from _unseen(orphans, error)
        return
    for window in _windows(orphans):
        yield from _in_list(window, now, provider)


def _windows(orphans: list[Orphan]) -> Iterator[list[Orphan]]:
    """Group submissions that started at about the same time, so that one reading of the list serves them all."""
    group: list[Orphan] = []
    for orphan in orphans:
        if group and group[-1].age - orphan.age > TOGETHER:
            yield group
            group = []
        group.append(orphan)
    if group:
        yield group


def _in_list(orphans: list[Orphan], now: datetime, provider: Provider) -> Iterator[Settled | None]:
    """Search the provider's list for submissions of one window, reading it to its end."""
    try:
        ids = _predictions_by_correlation_id(provider.listed(*created_between(now, orphans[0].age, orphans[-1].age)))
    except ProviderError as error:
        yield from _unseen(orphans, error)
        return
    for orphan in orphans:
        prediction_id = ids.get(orphan.token) or ids.get(orphan.picture_url)
        yield _ended(orphan, prediction_id, provider) if prediction_id else _absent(orphan)


def _predictions_by_correlation_id(pages: Iterator[tuple[Listed, ...]]) -> dict[object, str]:
    return {key: each.prediction.id for page in pages for each in page for key in (*each.tokens, *each.addresses)}


def _unseen(orphans: list[Orphan], error: ProviderError) -> Iterator[Settled | None]:
    log.info("the provider's list could not be searched", why=error.failure.detail)
    yield from (_written_off(orphan) for orphan in orphans)


def _ended(orphan: Orphan, prediction_id: str, provider: Provider) -> Settled | None:
    """Cancel an orphan and return what to book; None while it still runs or cannot be canceled."""
    try:
        prediction = provider.cancel(prediction_id)
    except ProviderError:
        return _written_off(orphan)
    if prediction is not None and prediction.is_running:
        return _written_off(orphan)
    cost_micros = _cost(prediction, orphan)
    if orphan.status == _RUNNING:
        return Settled(orphan.job_id, orphan.attempt, AttemptStatus.CANCELED, True, None, cost_micros)
    return Settled(orphan.job_id, orphan.attempt, AttemptStatus.DUPLICATE, True, prediction_id, cost_micros)


def _cost(prediction: Prediction | None, orphan: Orphan) -> int:
    return orphan.reserved_micros if prediction is None else prediction.charged(orphan.reserved_micros)


def _absent(orphan: Orphan) -> Settled:
    """Return an absence. The submission is searched for again, at growing intervals, because it may still appear."""
    return Settled(orphan.job_id, orphan.attempt, AttemptStatus.ABSENT, orphan.is_last_search)


def _written_off(orphan: Orphan) -> Settled | None:
    """Return None, or after the hour in which it could be found book a lost submission as paid."""
    if not orphan.is_last_search:
        return None
    cost_micros = orphan.reserved_micros if orphan.status == AttemptStatus.LOST or orphan.noted_prediction_id else 0
    # By then the provider's own limit has ended any prediction still running.
    status = AttemptStatus.CANCELED if orphan.status == _RUNNING else orphan.status
    return Settled(orphan.job_id, orphan.attempt, status, True, None, cost_micros)
