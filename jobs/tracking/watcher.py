"""The watcher: one process reads all running predictions from the provider's list, a hundred per call.

A pass goes through the list from the newest prediction that may have ended to the oldest, and begins each page at the
next such prediction, so it skips stretches without news. For each prediction that has ended it stores a sighting and
makes the job due; the job reads the sighting instead of calling the provider. With few predictions, or without a pass
for a while, each job polls its own prediction: a dead watcher costs time only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import Engine

from db.engine.tracking import Flight, Sighting, in_flight, sight, write_watcher_status
from jobs.engine.hints import Hinter
from jobs.providers.profiles import profiles
from jobs.providers.progress import progress_of
from jobs.providers.provider import Listed, Provider, ProviderError
from jobs.tracking.durations import Usual
from jobs.tracking.poll_times import PollTimes
from jobs.tracking.sightings import has_news, sighting_of
from statemachine.vocabulary import Step

log = structlog.get_logger(__name__)

# The list filters by a range of times; a millisecond more at either end includes the prediction itself.
_MOMENT = timedelta(milliseconds=1)
_RETRY_AFTER_MAX_S = 60.0


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """The pace of reading the list. Starts at `few` running predictions and stops below half of that.

    A pass begins `least_s` to `most_s` after the one before, as often as `reads_per_min` allows for its pages; saved
    reads may be spent at once, so that a burst of predictions does not wait.
    """

    few: int = 20
    reads_per_min: float = 60.0
    least_s: float = 2.0
    most_s: float = 11.0
    # The interval for predictions that can hardly have ended, and for those that have run much longer than usual.
    seldom_s: float = 60.0
    # The workers rely on a pass for this long.
    covers_for_s: float = 30.0


class Watcher:
    """Makes the passes, one step per call, so that other periodic tasks do not wait for a long pass."""

    def __init__(
        self,
        engine: Engine,
        provider: Provider,
        hinter: Hinter,
        times: PollTimes | None = None,
        settings: WatchSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._provider = provider
        self._hinter = hinter
        self._times = times or PollTimes()
        self._settings = settings or WatchSettings()
        self._clock = clock
        self._permits = Permits(self._settings.reads_per_min, clock)
        self._read_at: dict[str, float] = {}
        self._progress: dict[str, float] = {}
        # The number that an earlier watcher reported is unknown.
        self._reported = -1
        self._is_reading = False
        self._pass: Iterator[None] | None = None
        self._pages = 0
        self._began_at = self._next_at = clock()
        self._failures = 0

    def step(self) -> None:
        """Begin a pass where one is due, and read as many of its pages as there are permits for."""
        if self._pass is None and self._clock() >= self._next_at:
            self._begin()
        while self._pass is not None and self._permits.take():
            try:
                next(self._pass)
                self._pages += 1
            except StopIteration:
                self._permits.give_back()
                self._end(self._failures_cleared())
            except ProviderError as error:
                log.info("the provider's list cannot be read", why=error.failure.detail)
                self._failures += 1
                self._end(min(_RETRY_AFTER_MAX_S, error.failure.retry_after_s or 2.0**self._failures))

    def _begin(self) -> None:
        self._began_at, self._pages = self._clock(), 0
        self._next_at = self._began_at + self._settings.least_s
        with self._engine.connect() as conn:
            flights = in_flight(conn)
        self._keep_only(flights)
        reads_from = self._settings.few / 2 if self._is_reading else self._settings.few
        self._is_reading = len(flights) >= max(1.0, reads_from)
        self._report(len(flights))
        self._pass = self._read_pages([flight for flight in flights if self._is_due(flight)])
        if not self._is_reading:
            self._end(0.0)

    def _end(self, wait_s: float) -> None:
        """End the pass; the next one begins once its share of the reads has come in again."""
        self._pass = None
        sustained_s = self._pages * 60 / self._settings.reads_per_min
        every_s = min(self._settings.most_s, max(self._settings.least_s, sustained_s))
        self._next_at = max(self._began_at + every_s, self._clock() + wait_s)

    def _failures_cleared(self) -> float:
        self._failures = 0
        return 0.0

    def _report(self, flights: int) -> None:
        """Report to the workers how many predictions run, and whether this reads them; write nothing while none run."""
        if flights == self._reported == 0:
            return
        # While the list cannot be read, the last report expires, and the workers poll each prediction.
        covers_s = self._settings.covers_for_s if self._is_reading and not self._failures else 0.0
        with self._engine.begin() as conn:
            write_watcher_status(conn, flights, timedelta(seconds=covers_s))
        self._reported = flights

    def _is_due(self, flight: Flight) -> bool:
        """Return whether a prediction may have ended since it was last seen without any other report of it."""
        usual = self._usual(flight)
        seen_s = self._clock() - self._read_at.setdefault(flight.prediction_id, self._clock() - flight.elapsed_s)
        is_overdue = seen_s >= self._settings.seldom_s
        if self._times.by_webhook:
            return is_overdue and flight.elapsed_s >= self._times.schedule.unreported_s(usual.middle_s)
        # Two passes more: a prediction of a second may end, and be three times as old, before the next pass begins.
        until_s = 3 * usual.high_s + 2 * self._settings.most_s
        return is_overdue or 0.85 * usual.low_s <= flight.elapsed_s <= until_s

    def _usual(self, flight: Flight) -> Usual:
        return self._times.usual(profiles()[flight.model], flight.duration_s)

    def _read_pages(self, wanted: Sequence[Flight]) -> Iterator[None]:
        """Read the pages that show these predictions, the newest first, each from the next one not yet shown on."""
        flights = {flight.prediction_id: flight for flight in wanted}
        while wanted:
            newest, oldest = wanted[0], wanted[-1]
            pages = self._provider.listed(oldest.listed_at - _MOMENT, newest.listed_at + _MOMENT)
            page = next(iter(pages), ())
            self._take(page, flights)
            reached = min((each.created_at for each in page), default=oldest.listed_at)
            # The first is left out even where the page did not show it: its job polls it in the end.
            wanted = [flight for flight in wanted[1:] if flight.listed_at < reached]
            yield

    def _take(self, page: Sequence[Listed], flights: dict[str, Flight]) -> None:
        """Store sightings of the predictions whose state or progress has changed."""
        news: list[Sighting] = []
        for each in page:
            flight = flights.get(each.prediction.id)
            if flight is None:
                continue
            self._read_at[flight.prediction_id] = self._clock()
            progress = progress_of(each.prediction.logs)
            if has_news(each.prediction) or progress != self._progress.get(flight.prediction_id):
                news.append(sighting_of(flight.job_id, each.prediction))
            if progress is not None:
                self._progress[flight.prediction_id] = progress
        if news:
            with self._engine.begin() as conn:
                due = sight(conn, news)
            if due:
                self._hinter.hint([Step.POLL], [])

    def _keep_only(self, flights: Sequence[Flight]) -> None:
        known = {flight.prediction_id for flight in flights}
        self._read_at = {id_: at for id_, at in self._read_at.items() if id_ in known}
        self._progress = {id_: done for id_, done in self._progress.items() if id_ in known}


class Permits:
    """A limit of reads per minute; up to a minute's worth can be saved."""

    def __init__(self, per_min: float, clock: Callable[[], float]) -> None:
        self._per_min = per_min
        self._clock = clock
        self._level = per_min
        self._filled_at = clock()

    def take(self) -> bool:
        """Take a permit where there is one."""
        now = self._clock()
        self._level = min(self._per_min, self._level + (now - self._filled_at) * self._per_min / 60)
        self._filled_at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True

    def give_back(self) -> None:
        """Give back a permit that was not needed."""
        self._level = min(self._per_min, self._level + 1)
