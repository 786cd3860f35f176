"""The watcher reads the simulator's real list, records sightings, and leaves the rest to the jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from db.engine.claims import ClaimedJob
from db.engine.recording import record
from db.engine.tracking import Recent, read_watcher_status
from jobs.engine.hints import Hinter
from jobs.providers.provider import Submission
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from jobs.steps.models import Models
from jobs.steps.poll import PollParts, poll
from jobs.tracking.durations import Durations
from jobs.tracking.poll_times import PollTimes
from jobs.tracking.sightings import ended_prediction
from jobs.tracking.watcher import Permits, Watcher, WatchSettings
from jobs.tracking.watcher_status import CachedWatcherStatus
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from statemachine.outcomes import Accepted, GenerationFailed, OutputReady, StillRunning
from statemachine.vocabulary import State
from tests.support.factories import World, claimed, make_job, move_of
from tests.support.simulator_control import SimulatorControl

FEW = 3
# An age at which pictures may have ended, while nothing is known of earlier ones.
USUAL_S = 40.0


@dataclass
class TrackedJobs:
    """Jobs whose predictions are at the simulator, and the watcher that tracks them."""

    engine: Engine
    world: World
    simulator: Background
    parts: PollParts
    watcher: Watcher

    def job(self, *, age_s: float = USUAL_S) -> UUID:
        """Add a job that is due in an hour and whose prediction began `age_s` ago by our clock."""
        accepted = self.parts.provider.submit(submission())
        assert isinstance(accepted, Accepted)
        with self.engine.begin() as conn:
            job_id = make_job(conn, self.world, State.GENERATING)
            conn.execute(
                text(
                    "UPDATE attempts SET prediction_id = :id, listed_at = :listed_at, model = :model, "
                    "accepted_at = diorama_now() - :age WHERE job_id = :job_id"
                ),
                {
                    "id": accepted.prediction_id,
                    "listed_at": accepted.created_at,
                    "model": submission().model,
                    "age": timedelta(seconds=age_s),
                    "job_id": job_id,
                },
            )
            conn.execute(
                text("UPDATE jobs SET due_at = diorama_now() + interval '1 hour' WHERE id = :id"), {"id": job_id}
            )
        return job_id

    def due(self) -> set[UUID]:
        """Return the jobs that are due."""
        with self.engine.connect() as conn:
            return set(conn.scalars(text("SELECT id FROM jobs WHERE due_at <= diorama_now()")))

    def claimed(self, job_id: UUID) -> ClaimedJob:
        """Claim a job."""
        with self.engine.begin() as conn:
            return claimed(conn, job_id)

    @property
    def control(self) -> SimulatorControl:
        """Return the simulator's own pages."""
        return SimulatorControl(self.simulator.api_url)

    @property
    def reads(self) -> tuple[int, int]:
        """Return the number of list pages and the number of single predictions read."""
        requests = self.simulator.state.counters.requests
        return requests["predictions.list"], requests["predictions.get"]

    @property
    def covers(self) -> bool:
        """Return True if the workers may rely on the list."""
        with self.engine.connect() as conn:
            return read_watcher_status(conn).covers


def submission() -> Submission:
    return Submission("openai/gpt-image-2.5-sunburst", {"prompt": "x"}, uuid4(), timedelta(minutes=10))


@pytest.fixture(scope="module")
def simulator() -> Iterator[Background]:
    with Background(SimulatorSettings(instant=True, seed=1)) as running:
        yield running


@pytest.fixture
def tracked(engine: Engine, world: World, simulator: Background, hinter: Hinter) -> Iterator[TrackedJobs]:
    SimulatorControl(simulator.api_url).reset()
    provider = ReplicateProvider(ReplicateSettings("r8_test", base_url=simulator.api_url))
    times = PollTimes(watcher_status=CachedWatcherStatus.of(engine))
    parts = PollParts(engine, provider, Models(engine), times)
    watcher = Watcher(engine, provider, hinter, settings=WatchSettings(few=FEW))
    yield TrackedJobs(engine, world, simulator, parts, watcher)
    provider.close()


def test_one_page_shows_all_predictions_and_their_jobs_read_none(tracked: TrackedJobs) -> None:
    jobs = {tracked.job() for _ in range(5)}
    tracked.watcher.step()
    assert tracked.due() == jobs
    for job_id in jobs:
        work = poll(tracked.claimed(job_id), tracked.parts)
        assert isinstance(work.outcome, OutputReady)
    assert tracked.reads == (1, 0)


def test_the_list_also_reports_failures(tracked: TrackedJobs) -> None:
    tracked.control.fault(
        "fail", operation="predictions.create", options={"error": "(E005) flagged, sk-not-to-be-kept-123"}
    )
    jobs = [tracked.job() for _ in range(FEW)]
    tracked.watcher.step()
    job = tracked.claimed(jobs[0])
    assert isinstance(poll(job, tracked.parts).outcome, GenerationFailed)
    assert "not-to-be-kept" not in str(job.sighting)
    assert tracked.reads == (1, 0)


def test_with_webhooks_only_overdue_predictions_are_read(tracked: TrackedJobs, hinter: Hinter) -> None:
    times, settings = PollTimes(by_webhook=True), WatchSettings(few=FEW)
    watcher = Watcher(tracked.engine, tracked.parts.provider, hinter, times, settings)
    usual = [tracked.job() for _ in range(FEW)]
    watcher.step()
    assert (tracked.reads, tracked.due(), tracked.covers) == ((0, 0), set(), True)
    with tracked.engine.begin() as conn:
        conn.execute(text("UPDATE attempts SET accepted_at = accepted_at - interval '1 minute'"))
    Watcher(tracked.engine, tracked.parts.provider, hinter, times, settings).step()
    assert tracked.due() == set(usual)
    assert tracked.reads == (1, 0)


def test_a_few_predictions_are_left_to_their_jobs(tracked: TrackedJobs) -> None:
    for _ in range(FEW - 1):
        tracked.job()
    tracked.watcher.step()
    assert (tracked.reads, tracked.due(), tracked.covers) == ((0, 0), set(), False)


def test_predictions_that_can_hardly_have_ended_are_not_read(tracked: TrackedJobs) -> None:
    young = [tracked.job(age_s=1.0) for _ in range(FEW)]
    tracked.watcher.step()
    assert (tracked.reads, tracked.due(), tracked.covers) == ((0, 0), set(), True)
    work = poll(tracked.claimed(young[0]), tracked.parts)
    assert isinstance(work.outcome, StillRunning), "it reports its progress"
    assert tracked.reads == (0, 0), "and makes no call, because it is tracked"


def test_a_quick_prediction_is_read_by_the_next_pass_however_soon_it_ends(tracked: TrackedJobs, hinter: Hinter) -> None:
    """Between two passes it may become many times as old as such predictions usually do."""
    recent = Recent(ended_s=(0.5,) * 10, succeeded_s=(0.5,) * 10, queued_s=None, finishing_s=None)
    times = PollTimes(durations=Durations(lambda: {(submission().model, None): recent}))
    jobs = {tracked.job(age_s=WatchSettings().most_s) for _ in range(FEW)}
    Watcher(tracked.engine, tracked.parts.provider, hinter, times, WatchSettings(few=FEW)).step()
    assert tracked.due() == jobs


def test_a_stretch_of_the_list_without_our_predictions_is_skipped(tracked: TrackedJobs) -> None:
    jobs = {tracked.job() for _ in range(2)}
    for _ in range(250):
        tracked.parts.provider.submit(submission())
    jobs |= {tracked.job() for _ in range(2)}
    tracked.watcher.step()
    assert tracked.due() == jobs
    assert tracked.reads == (2, 0), "the whole stretch has three pages"


def test_a_job_is_due_only_if_the_list_shows_its_end(tracked: TrackedJobs) -> None:
    tracked.control.fault("stick_processing", operation="predictions.create", count=1)
    jobs = [tracked.job() for _ in range(2 * FEW)]
    tracked.watcher.step()
    assert tracked.due() == set(jobs[1:])
    with tracked.engine.connect() as conn:
        seen = conn.scalars(text("SELECT job_id FROM attempts WHERE sighting IS NOT NULL"))
        assert set(seen) == set(jobs[1:])


def test_a_poll_under_way_does_not_delay_what_the_list_reports(tracked: TrackedJobs) -> None:
    jobs = [tracked.job() for _ in range(FEW)]
    polling = tracked.claimed(jobs[0])
    tracked.watcher.step()
    with tracked.engine.begin() as conn:
        assert record(conn, [move_of(polling, StillRunning(20, 3600.0))]).moved == {}
    assert tracked.due() == set(jobs)


def test_while_the_list_cannot_be_read_every_job_polls_by_itself(tracked: TrackedJobs) -> None:
    jobs = [tracked.job() for _ in range(FEW)]
    tracked.control.fault("server_error", operation="predictions.list")
    tracked.watcher.step()
    assert tracked.due() == set()
    with tracked.engine.begin() as conn:
        conn.execute(text("UPDATE watcher_status SET covers_until = diorama_now()"))
    assert isinstance(poll(tracked.claimed(jobs[0]), tracked.parts).outcome, OutputReady)
    assert tracked.reads == (1, 1)


def test_a_success_that_the_list_shows_without_its_output_is_polled() -> None:
    seen = {"prediction_id": "p", "has_ended": True, "status": "succeeded", "output": [], "error": None, "took_s": 1.0}
    assert ended_prediction("p", seen) is None


def test_no_more_reads_are_spent_than_a_minute_saves_up() -> None:
    now = [0.0]
    permits = Permits(60, lambda: now[0])
    assert sum(permits.take() for _ in range(100)) == 60
    now[0] += 10
    assert sum(permits.take() for _ in range(100)) == 10
    now[0] += 1000
    assert sum(permits.take() for _ in range(100)) == 60
