"""Sweeping: what went on at the provider without its job is canceled, and booked.

A submission that was taken for absent may still have been on its way; one that could not be found while the
provider's list was out of order may have run all along. Both are recognized in the list for as long as the provider
keeps inputs, an hour. A prediction that was to be canceled with its job, and could not be, is known by its id: it is
stopped as soon as that works.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog

from db.engine.spending import Orphan, Settled, left_running, orphans, settle
from db.public_ids import IdKind, encode_id
from jobs.providers.orphan_search import LAST_SEARCH_AFTER, TOGETHER, created_between, why_absence_proves_nothing
from jobs.providers.provider import Listed, Prediction, Provider, ProviderError, Sought
from jobs.steps.runtime import Runtime

log = structlog.get_logger(__name__)

_GROUP = 500
# The status of an attempt whose prediction is known, and was not stopped.
_RUNNING = "running"
# In an outage each call waits for its own timeout, and the rounds behind this one with it: the rest come next time.
_CANCELS_FOR_S = 30.0


def search_orphans(runtime: Runtime) -> int:
    """Look for the stray submissions that are due for it, and return for how many something was booked.

    Without such submissions no call is made. Where the provider can not be asked, they are due again as before; one
    that could not be looked for by the end of its hour is booked at its full price, for nobody knows better.
    """
    first_after = timedelta(seconds=runtime.sweep_first_after_s)
    with runtime.engine.connect() as conn:
        due = orphans(conn, first_after=first_after, last_after=LAST_SEARCH_AFTER, limit=_GROUP)
        due += left_running(conn, last_after=LAST_SEARCH_AFTER, limit=_GROUP)
    found = [settled for settled in _looked_for(due, runtime.provider) if settled is not None]
    if not found:
        return 0
    with runtime.engine.begin() as conn:
        settle(conn, found)
    duplicates = [settled for settled in found if settled.status == "duplicate"]
    for settled in duplicates:
        log.warning(
            "a duplicate was canceled", job_id=encode_id(IdKind.JOB, settled.job_id), cost_micros=settled.cost_micros
        )
    return len(duplicates)


def _looked_for(due: list[Orphan], provider: Provider) -> Iterator[Settled | None]:
    unnamed = [stray for stray in due if stray.noted_prediction_id is None]
    told = [stray for stray in unnamed if _list_tells(stray)]
    if told:
        yield from _unnamed(told, provider)
    # No page of the list could say anything of the others.
    yield from (_written_off(stray) for stray in unnamed if not _list_tells(stray))
    began_at = time.monotonic()
    for stray in due:
        if stray.noted_prediction_id is not None:
            is_late = time.monotonic() - began_at > _CANCELS_FOR_S
            yield _written_off(stray) if is_late else _ended(stray, stray.noted_prediction_id, provider)


def _list_tells(stray: Orphan) -> bool:
    sought = Sought(stray.token, stray.age, stray.picture_url, stray.is_traceable)
    return why_absence_proves_nothing(sought) is None


def _unnamed(strays: list[Orphan], provider: Provider) -> Iterator[Settled | None]:
    """Look for submissions in the provider's list, whose times are by its own clock."""
    try:
        # At once, while the ages are as they were read.
        now = provider.now()
    except ProviderError as error:
        yield from _unseen(strays, error)
        return
    for window in _windows(strays):
        yield from _in_list(window, now, provider)


def _windows(strays: list[Orphan]) -> Iterator[list[Orphan]]:
    """Put submissions of about the same time together, so that one reading of the list serves all of them."""
    group: list[Orphan] = []
    for stray in strays:
        if group and group[-1].age - stray.age > TOGETHER:
            yield group
            group = []
        group.append(stray)
    if group:
        yield group


def _in_list(strays: list[Orphan], now: datetime, provider: Provider) -> Iterator[Settled | None]:
    """Look for submissions of one time in the provider's list, to its end."""
    try:
        ids = _predictions_by_mark(provider.listed(*created_between(now, strays[0].age, strays[-1].age)))
    except ProviderError as error:
        yield from _unseen(strays, error)
        return
    for stray in strays:
        prediction_id = ids.get(stray.token) or ids.get(stray.picture_url)
        yield _ended(stray, prediction_id, provider) if prediction_id else _absent(stray)


def _predictions_by_mark(pages: Iterator[tuple[Listed, ...]]) -> dict[object, str]:
    return {mark: each.prediction.id for page in pages for each in page for mark in (*each.tokens, *each.addresses)}


def _unseen(strays: list[Orphan], error: ProviderError) -> Iterator[Settled | None]:
    log.info("the provider's list could not be swept", why=error.failure.detail)
    yield from (_written_off(stray) for stray in strays)


def _ended(stray: Orphan, prediction_id: str, provider: Provider) -> Settled | None:
    """Cancel a stray prediction and book it; None while it is not over or can not be canceled."""
    try:
        prediction = provider.cancel(prediction_id)
    except ProviderError:
        return _written_off(stray)
    if prediction is not None and prediction.is_running:
        return _written_off(stray)
    cost_micros = _cost(prediction, stray)
    if stray.status == _RUNNING:
        return Settled(stray.job_id, stray.attempt, "canceled", True, None, cost_micros)
    return Settled(stray.job_id, stray.attempt, "duplicate", True, prediction_id, cost_micros)


def _cost(prediction: Prediction | None, stray: Orphan) -> int:
    return stray.reserved_micros if prediction is None else prediction.charged(stray.reserved_micros)


def _absent(stray: Orphan) -> Settled:
    """It is not there; it is looked for again, ever later, because it may still come."""
    return Settled(stray.job_id, stray.attempt, "absent", stray.is_last_search)


def _written_off(stray: Orphan) -> Settled | None:
    """Nobody could say; after the hour in which it could be told, a lost submission counts as paid for."""
    if not stray.is_last_search:
        return None
    cost_micros = stray.reserved_micros if stray.status == "lost" or stray.noted_prediction_id else 0
    # By then the provider's own limit has ended whatever ran.
    status = "canceled" if stray.status == _RUNNING else stray.status
    return Settled(stray.job_id, stray.attempt, status, True, None, cost_micros)
