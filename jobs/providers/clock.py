"""The provider's time, from the `Date` header of its responses, in whole seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from db.elapsed import Instant, this_instant

# After this long the time is read again: this machine may have slept, or its clock may have been set.
_GOOD_FOR_S = 60.0


class ProviderClock:
    """Extrapolates from the last `Date` header. One instance serves all threads of a process."""

    def __init__(self, instant: Callable[[], Instant] = this_instant) -> None:
        self._instant = instant
        self._last: tuple[datetime, Instant] | None = None

    def observe(self, date: str | None) -> None:
        """Record the `Date` of a response that has just arrived; an invalid one is ignored."""
        try:
            date_given = parsedate_to_datetime(date or "")
        except ValueError:
            return
        if date_given.tzinfo is not None:
            self._last = (date_given, self._instant())

    def now(self) -> datetime | None:
        """Return the provider's time; None if no recent response gave it. It lags by the time the response took."""
        if self._last is None:
            return None
        date_given, at = self._last
        passed_s = self._instant().since(at)
        return date_given + timedelta(seconds=passed_s) if passed_s <= _GOOD_FOR_S else None
