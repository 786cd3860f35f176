"""Find a lost submission in the provider's list, and decide what its absence proves.

Times are the provider's: its list uses its own clock, and ours may be minutes off. A submission's age is known by the
database's clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from jobs.providers.provider import Listed, Sought

# Margin for reading the two clocks; searching a little further back costs nothing.
_BEFORE = timedelta(seconds=60)
# A submission may be in flight for as long as its response may take, and no longer: later predictions belong to others,
# and after an outage of the list there may be more of them than can be read.
_AFTER = timedelta(seconds=180)
# Submissions that started within this time of each other share one reading of the list.
TOGETHER = _BEFORE + _AFTER
# The provider removes inputs, and the correlation ids in them, an hour after the end of a prediction.
_KNOWN_FOR = timedelta(minutes=55)
# The age at the last search that can prove an absence; the orphan search runs every minute or so.
LAST_SEARCH_AFTER = _KNOWN_FOR - timedelta(minutes=3)


def created_between(now: datetime, oldest: timedelta, newest: timedelta | None = None) -> tuple[datetime, datetime]:
    """Return the times between which the provider created submissions of these ages, at its time `now`."""
    return now - oldest - _BEFORE, now - (oldest if newest is None else newest) + _AFTER


def find_in(pages: Iterator[tuple[Listed, ...]], sought: Sought) -> str | None:
    """Return the id of a submission's prediction, or None if absent. Reads no page beyond it."""
    return next((each.prediction.id for page in pages for each in page if each.is_of(sought)), None)


def why_absence_proves_nothing(sought: Sought) -> str | None:
    """Return why a submission may exist although the list does not show it; None if it does not."""
    if not sought.is_traceable:
        return "it carries no correlation id that the provider's list shows"
    if sought.age > _KNOWN_FOR:
        return "it is too old to be recognized in the provider's list"
    return None
