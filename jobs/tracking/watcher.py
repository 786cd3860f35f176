"""The watcher: one process looks at all running predictions in the provider's list, a call for a hundred of them.

Reads then grow with what runs divided by a hundred. A pass goes through the list from the newest prediction that may
have ended to the oldest, and begins each page at the next one of them, so that stretches where nothing can be news are
left out. What has ended is written down with its job made due, which finds there what it would have asked for. With
few predictions, or none of these passes for a while, every job looks by itself: a dead watcher costs time only.
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

# The list filters by time, up to a time and from a time on; a millisecond takes in the one that it is about.
_MOMENT = timedelta(milliseconds=1)
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """When and how often the list is read. From `few` predictions on, and until there are half as many again.

    A pass begins `least_s` to `most_s` after the one before, as often as `reads_per_min` allows for its pages; reads
    that were saved up may be spent at once, so that a burst of predictions does not wait for its turn.
    """

    few: int = 20
    reads_per_min: float = 60.0
    least_s: float = 2.0
    most_s: float = 11.0
    # What can hardly have ended is looked at this seldom; so is what has run for much longer than any before it.
    seldom_s: float = 60.0
    # How long the workers rely on a pass.
    covers_for_s: float = 30.0


class Watcher:
    """Makes the passes, a step whenever it is called, so that other rounds need not wait for a long pass."""

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
        self._looked_at: dict[str, float] = {}
        self._progress: dict[str, float] = {}
        # What an earlier watcher told is not known.
        self._told = -1
        self._is_watching = False
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
                log.info("the provider's list can not be read", why=error.failure.detail)
                self._failures += 1
                self._end(min(_PATIENCE_S, error.failure.retry_after_s or 2.0**self._failures))

    def _begin(self) -> None:
        self._began_at, self._pages = self._clock(), 0
        self._next_at = self._began_at + self._settings.least_s
        with self._engine.connect() as conn:
            flights = in_flight(conn)
        self._forget_all_but(flights)
        watches_from = self._settings.few / 2 if self._is_watching else self._settings.few
        self._is_watching = len(flights) >= max(1.0, watches_from)
        self._tell(len(flights))
        self._pass = self._read_pages([flight for flight in flights if self._is_due(flight)])
        if not self._is_watching:
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

    def _tell(self, flights: int) -> None:
        """Tell the workers how many predictions run, and whether they are looked at here; silence while none do."""
        if flights == self._told == 0:
            return
        # While the list can not be read, what the workers were told runs out, and they look by themselves.
        covers_s = self._settings.covers_for_s if self._is_watching and not self._failures else 0.0
        with self._engine.begin() as conn:
            write_watcher_status(conn, flights, timedelta(seconds=covers_s))
        self._told = flights

    def _is_due(self, flight: Flight) -> bool:
        """Whether a prediction may have ended since it was last seen, and nobody else will tell."""
        usual = self._usual(flight)
        seen_s = self._clock() - self._looked_at.setdefault(flight.prediction_id, self._clock() - flight.elapsed_s)
        is_forgotten = seen_s >= self._settings.seldom_s
        if self._times.by_webhook:
            return is_forgotten and flight.elapsed_s >= self._times.schedule.unreported_s(usual.middle_s)
        return is_forgotten or 0.85 * usual.low_s <= flight.elapsed_s <= 3 * usual.high_s

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
            # The first is left out even where the page did not show it: its job will look by itself in the end.
            wanted = [flight for flight in wanted[1:] if flight.listed_at < reached]
            yield

    def _take(self, page: Sequence[Listed], flights: dict[str, Flight]) -> None:
        """Write down what a page says that is news to us."""
        news: list[Sighting] = []
        for each in page:
            flight = flights.get(each.prediction.id)
            if flight is None:
                continue
            self._looked_at[flight.prediction_id] = self._clock()
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

    def _forget_all_but(self, flights: Sequence[Flight]) -> None:
        known = {flight.prediction_id for flight in flights}
        self._looked_at = {id_: at for id_, at in self._looked_at.items() if id_ in known}
        self._progress = {id_: done for id_, done in self._progress.items() if id_ in known}


class Permits:
    """So many reads a minute; those of a minute can be saved up."""

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
