"""Usual durations of predictions, from the last ones of the same model and length; guessed while there are few.

Read from the database at most every ten seconds in each process. The times are the provider's own, so a prediction
that was noticed late counts as long as it really ran.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.tracking import Recent, recent_durations
from jobs.providers.profiles import Profile, profiles

log = structlog.get_logger(__name__)

Recents = Mapping[tuple[str, int | None], Recent]

REFRESH_EVERY_S = 10.0
# Of fewer, a single odd one would count for too much.
_ENOUGH = 10


@dataclass(frozen=True, slots=True)
class Usual:
    """The usual durations of predictions of one kind, in seconds. Hardly any ends before `low_s` or after `high_s`.

    `succeeded_s` are the times of the last ones, in order; empty where the others are guesses. `queued_s` is what comes
    before the prediction, from the request on, `finishing_s` what comes after it until the job has succeeded.
    """

    low_s: float
    middle_s: float
    high_s: float
    queued_s: float = 0.0
    finishing_s: float = 0.0
    succeeded_s: tuple[float, ...] = ()

    @property
    def is_known(self) -> bool:
        """Return whether this was measured."""
        return bool(self.succeeded_s)

    def remaining_s(self, elapsed_s: float) -> float | None:
        """Return how much longer one that has run for `elapsed_s` will usually take.

        That is the median of those that took longer. None where none did: nothing can be said of it.
        """
        if not self.is_known:
            return self.middle_s - elapsed_s if elapsed_s < self.middle_s else None
        longer = self.succeeded_s[bisect_right(self.succeeded_s, elapsed_s) :]
        return longer[len(longer) // 2] - elapsed_s if longer else None


class Durations:
    """The usual durations. Safe for use by any thread; the first caller after ten seconds reads, and no one waits."""

    def __init__(self, read: Callable[[], Recents] = dict) -> None:
        self._read = read
        self._recent: Recents = {}
        self._next_read_at = 0.0
        self._reading = threading.Lock()

    @classmethod
    def of(cls, engine: Engine) -> Durations:
        """Return those of a database."""
        return cls(partial(_read, engine))

    def usual(self, profile: Profile, duration_s: int | None) -> Usual:
        """Return how long the profile's model takes for a job of this length."""
        if time.monotonic() >= self._next_read_at and self._reading.acquire(blocking=False):
            try:
                self._recent = self._read()
                self._next_read_at = time.monotonic() + REFRESH_EVERY_S
            except SQLAlchemyError as error:
                log.info("usual durations cannot be read", why=type(error).__name__)
            finally:
                self._reading.release()
        return usual_of(self._recent, profile, duration_s)


def usual_of(recents: Recents, profile: Profile, duration_s: int | None) -> Usual:
    """Return what the recent predictions say, or the profile while there are not enough of them."""
    recent = recents.get((profile.model, duration_s))
    if recent is None or len(recent.succeeded_s) < _ENOUGH:
        queued_s, finishing_s = (recent.queued_s or 0.0, recent.finishing_s or 0.0) if recent else (0.0, 0.0)
        return Usual(profile.typical_s / 2, profile.typical_s, 2 * profile.typical_s, queued_s, finishing_s)
    return Usual(
        low_s=_at(recent.ended_s, 0.02),
        middle_s=_at(recent.succeeded_s, 0.5),
        high_s=_at(recent.succeeded_s, 0.98),
        queued_s=recent.queued_s or 0.0,
        finishing_s=recent.finishing_s or 0.0,
        succeeded_s=recent.succeeded_s,
    )


def _at(ordered: Sequence[float], share: float) -> float:
    """Return the value below which this share lies."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _read(engine: Engine) -> Recents:
    with engine.connect() as conn:
        return recent_durations(conn, list(profiles()))
