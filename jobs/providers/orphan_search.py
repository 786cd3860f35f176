"""Finding a submission whose answer was lost in the provider's list, and what it means where it is not there.

Times are the provider's: its list is by its own clock, and ours may be minutes off. What we know of a submission is how
long ago it was begun, by the database's clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from jobs.providers.provider import Listed, Sought

# What it took to tell the two times; looking back a little further costs nothing.
_BEFORE = timedelta(seconds=60)
# A submission may be on its way for as long as its answer may take, and no longer: what was created after that is
# another's, and after an outage of the list there may be more of it than can be read.
_AFTER = timedelta(seconds=180)
# Submissions that were begun within this time of each other are worth one reading of the list.
TOGETHER = _BEFORE + _AFTER
# The provider removes inputs an hour after the end of a prediction, and with them what it is recognized by.
_KNOWN_FOR = timedelta(minutes=55)
# When the last look is taken that may prove an absence; the sweeper comes by every minute or so.
LAST_SEARCH_AFTER = _KNOWN_FOR - timedelta(minutes=3)


def created_between(now: datetime, oldest: timedelta, newest: timedelta | None = None) -> tuple[datetime, datetime]:
    """Return the times between which the provider created what was begun that long before its time `now`."""
    return now - oldest - _BEFORE, now - (oldest if newest is None else newest) + _AFTER


def find_in(pages: Iterator[tuple[Listed, ...]], sought: Sought) -> str | None:
    """Return the id of the prediction of a submission, reading no page beyond its own; None where it is not there."""
    return next((each.prediction.id for page in pages for each in page if each.is_of(sought)), None)


def why_absence_proves_nothing(sought: Sought) -> str | None:
    """Return why a submission may have been taken although the list does not show it; None where it was not."""
    if not sought.is_traceable:
        return "it carries nothing by which it could be recognized in the provider's list"
    if sought.age > _KNOWN_FOR:
        return "it is too old to be recognized in the provider's list"
    return None
