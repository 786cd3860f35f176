"""Finding a submission whose answer was lost in the provider's list, by the token that it carries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from jobs.providers.provider import Listed

# Clocks differ; looking back a little further costs nothing.
_CLOCK_SKEW = timedelta(seconds=60)
# A submission may be on its way for as long as its answer may take, and no longer: what was created after that is
# another's, and after an outage of the list there may be more of it than can be read.
_SUBMITTED_WITHIN = timedelta(seconds=180)


def created_between(since: datetime) -> tuple[datetime, datetime]:
    """Return the times between which the provider created a prediction that was submitted at `since`, if it did."""
    return since - _CLOCK_SKEW, since + _SUBMITTED_WITHIN


def find_in(pages: Iterator[tuple[Listed, ...]], token: UUID) -> str | None:
    """Return the id of the prediction that carries a token, reading no page beyond its own; None where none does."""
    return next((each.prediction.id for page in pages for each in page if token in each.tokens), None)
