"""The cost of tracking: the calls that the simulator counts while 2,000 jobs run, with webhooks and without."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect
from db.migrate import migrate
from diorama.embedded import EmbeddedPostgres
from jobs.tracking.provider_webhooks import SigningKey
from simulator.serve import Background
from simulator.settings import RateLimits, SimulatorSettings
from tests.bench.engine import queue_jobs
from tests.support.databases import create_database, drop_database, unique_name
from tests.support.serving import serving

_COUNT_EVERY_S = 0.5
_FIRST_MINUTE_S = 60.0


@dataclass(frozen=True)
class TrackingFigure:
    """The provider's counts. `most_running` is how many predictions ran at once; the rest are seconds and calls.

    `reads_a_minute` is the most in any minute that begins after the first one.
    """

    most_running: int
    calls_a_job: float
    reads_a_minute: int
    noticed_median_s: float
    noticed_latest_s: float


@dataclass(frozen=True)
class _Count:
    """The number of reads until `at_s` after the first create, and of the predictions that were running then."""

    at_s: float
    reads: int
    running: int


def measure_tracking(server: EmbeddedPostgres, *, jobs: int, webhooks: bool) -> TrackingFigure:
    """Run `jobs` jobs whose predictions take as long as real ones, and return the cost in calls and in time.

    Pictures are not moved, so that two cores have time for the tracking.
    """
    name = unique_name("tracking")
    url = create_database(server.url, name)
    engine = connect(DatabaseSettings(url), name="bench")
    limits = RateLimits(enabled=False)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    try:
        migrate(engine)
        queue_jobs(engine, jobs)
        with Background(SimulatorSettings(seed=1, canned=True, rate_limits=limits)) as simulator, ExitStack() as stack:
            key = SigningKey(simulator.settings.webhook_secret)
            public = [stack.enter_context(serving(url, webhook_key=key)).url] if webhooks else []
            with _worker(url, simulator.api_url, *public):
                counts = list(_counted(engine, simulator, jobs))
            return _figure(engine, simulator, jobs, counts)
    finally:
        engine.dispose()
        drop_database(server.url, name)


@contextmanager
def _worker(*given: str) -> Iterator[None]:
    url, *provider = given
    command = [sys.executable, "-m", "tests.bench.tracking_worker", url, "bench-tracking", "32", *provider]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=Path(__file__).parents[2])
    try:
        yield
    finally:
        worker.communicate()


def _counted(engine: Engine, simulator: Background, jobs: int) -> Iterator[_Count]:
    """Read the provider's counters until every job has succeeded."""
    done = text("SELECT count(*) FROM jobs WHERE state = 'succeeded'")
    began = None
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        while conn.scalar(done) != jobs:
            time.sleep(_COUNT_EVERY_S)
            known = list(simulator.state.predictions.in_order)
            if known:
                began = time.monotonic() if began is None else began
                running = sum(not each.is_over for each in known)
                yield _Count(time.monotonic() - began, _reads(simulator), running)


def _reads(simulator: Background) -> int:
    requests = simulator.state.counters.requests
    return requests["predictions.get"] + requests["predictions.list"]


def _figure(engine: Engine, simulator: Background, jobs: int, counts: list[_Count]) -> TrackingFigure:
    late = _noticed_after_s(engine, simulator)
    return TrackingFigure(
        most_running=max(count.running for count in counts),
        calls_a_job=sum(simulator.state.counters.requests.values()) / jobs,
        reads_a_minute=_most_in_a_minute([count for count in counts if count.at_s >= _FIRST_MINUTE_S] or counts[-1:]),
        noticed_median_s=late[len(late) // 2],
        noticed_latest_s=late[-1],
    )


def _most_in_a_minute(counts: list[_Count]) -> int:
    """Return the most reads in any 60 seconds of the given counts."""
    return max(
        max(later.reads for later in counts if later.at_s <= count.at_s + 60.0) - count.reads for count in counts
    )


def _noticed_after_s(engine: Engine, simulator: Background) -> list[float]:
    """Return the seconds between the end of each prediction and its job's notice of it, in ascending order."""
    query = (
        "SELECT a.prediction_id, extract(epoch FROM e.at)::double precision AS at FROM job_events e "
        "JOIN attempts a USING (job_id, attempt) WHERE e.event = 'output_ready'"
    )
    with engine.connect() as conn:
        noticed = {row.prediction_id: row.at for row in conn.execute(text(query))}
    book = simulator.state.predictions.by_id
    return sorted(at - (book[id_].completed_at or at) for id_, at in noticed.items())


def main() -> None:
    """Run only this measurement: `python -m tests.bench.tracking 2000 webhooks`."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder), settings={"max_wal_size": "4GB"}) as server:
        sys.stdout.write(f"{measure_tracking(server, jobs=int(sys.argv[1]), webhooks='webhooks' in sys.argv)}\n")


if __name__ == "__main__":
    main()
