"""The provider's time, as its answers tell it: each carries a `Date`, in whole seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from db.elapsed import Instant, this_instant

# After that it is asked anew: this machine may have slept, or its clocks may have been set.
_GOOD_FOR_S = 60.0


class ProviderClock:
    """Goes on from the last time that was told. One instance serves all threads of a process."""

    def __init__(self, instant: Callable[[], Instant] = this_instant) -> None:
        self._instant = instant
        self._told: tuple[datetime, Instant] | None = None

    def tell(self, date: str | None) -> None:
        """Take notice of the `Date` of an answer that has just come; one that is none is ignored."""
        try:
            told = parsedate_to_datetime(date or "")
        except ValueError:
            return
        if told.tzinfo is not None:
            self._told = (told, self._instant())

    def now(self) -> datetime | None:
        """Return the provider's time; None where it was not told lately. It is behind by what the answer took."""
        if self._told is None:
            return None
        told, at = self._told
        passed_s = self._instant().since(at)
        return told + timedelta(seconds=passed_s) if passed_s <= _GOOD_FOR_S else None
