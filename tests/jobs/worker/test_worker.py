"""Whole workers recover from failures without an operator, and no single job can block them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect
from db.engine.claims import ClaimedJob
from db.migrate import migrate
from diorama.embedded import THROWAWAY_SETTINGS, EmbeddedPostgres
from jobs.engine.hints import Hinter
from jobs.steps.result import Work
from statemachine.vocabulary import Kind, State, Step
from tests.support.eventually import eventually, scaled
from tests.support.factories import World, make_job, make_world
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.support.plain_media import without_media_work
from tests.support.workers import InProcessWorkers, instead

MANY = 40


@pytest.fixture(autouse=True)
def _plain_media(monkeypatch: pytest.MonkeyPatch) -> None:
    without_media_work(monkeypatch)


@pytest.fixture
def local(engine: Engine, database_url: str) -> InProcessWorkers:
    return InProcessWorkers(database_url, engine)


def request_jobs(engine: Engine, world: World, number: int) -> None:
    with engine.begin() as conn:
        for _ in range(number):
            make_job(conn, world)


def has_succeeded(local: InProcessWorkers, least: int) -> bool:
    return local.count("state = 'succeeded'") >= least


def assert_all_is_well(local: InProcessWorkers, finished: int) -> None:
    assert_sound(local.engine)
    assert_attempts_add_up(local.engine)
    assert_credits_add_up(local.engine)
    assert len(local.provider.booked) == finished


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path, settings=THROWAWAY_SETTINGS) as server:
        yield server


@pytest.mark.faults
def test_workers_survive_restarts_of_postgres_without_an_operator(own_postgres: EmbeddedPostgres) -> None:
    """The pools, the listener, the recorder and the consumers all reconnect by themselves."""
    engine = connect(DatabaseSettings(own_postgres.url), name="test")
    migrate(engine)
    with engine.begin() as conn:
        world = make_world(conn)
    local = InProcessWorkers(own_postgres.url, engine, lease=timedelta(seconds=2))
    with local.worker():
        for batch in (1, 2):
            request_jobs(engine, world, MANY)
            eventually(partial(has_succeeded, local, (batch - 1) * MANY + 1))
            own_postgres.restart()
            local.wait_for_count("state = 'succeeded'", batch * MANY)
        # After all that, the worker is as quick as ever: the listener has reconnected too.
        request_jobs(engine, world, 1)
        local.wait_for_count("state = 'succeeded'", 2 * MANY + 1)
    assert_all_is_well(local, 2 * MANY + 1)
    assert local.count("claimed_by IS NOT NULL") == 0
    engine.dispose()


@pytest.mark.faults
def test_workers_survive_pg_terminate_backend(local: InProcessWorkers, world: World) -> None:
    local.lease = timedelta(seconds=2)
    request_jobs(local.engine, world, MANY)
    with local.worker():
        for done in range(0, MANY, 10):
            eventually(partial(has_succeeded, local, done))
            local.cut()
        local.wait_for_count("state = 'succeeded'", MANY)
    assert_all_is_well(local, MANY)


def test_only_a_consumer_that_hangs_counts_as_silent(local: InProcessWorkers) -> None:
    with local.worker() as worker:
        eventually(lambda: worker.silent_s < 0.5)
        with local.engine.connect() as conn:
            conn.execute(text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
            eventually(lambda: worker.silent_s > 1.5)
        eventually(lambda: worker.silent_s < 0.5)


def test_a_job_that_kills_its_workers_ends_as_internal_and_blocks_no_other(
    local: InProcessWorkers, world: World
) -> None:
    with local.engine.begin() as conn:
        bad = make_job(conn, world)

    def deadly(job: ClaimedJob, submit: Callable[[ClaimedJob], Work | None]) -> Work | None:
        if job.id == bad:
            raise SystemExit
        return submit(job)

    local.lease = timedelta(seconds=0.3)
    request_jobs(local.engine, world, 10)
    with local.worker(steps=instead(State.QUEUED, deadly)):
        local.wait_for_count("state = 'succeeded'", 10)
        local.wait_for_count("state = 'failed'", 1)
    row = local.row(bad)
    assert (row.error_code, row.attempt) == ("internal", 0)
    assert_all_is_well(local, 10)


def retried_at_once(local: InProcessWorkers) -> bool:
    """Make the job that waits to be tried again due; return True once a job has failed for good."""
    with local.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET due_at = now() WHERE finished_at IS NULL AND claimed_by IS NULL"))
    return local.count("state = 'failed'") == 1


def test_a_step_that_always_fails_is_tried_a_few_times_and_blocks_no_other(
    local: InProcessWorkers, world: World
) -> None:
    with local.engine.begin() as conn:
        bad = make_job(conn, world)

    def broken(job: ClaimedJob, submit: Callable[[ClaimedJob], Work | None]) -> Work | None:
        if job.id == bad:
            raise RuntimeError("this is unexpected")
        return submit(job)

    request_jobs(local.engine, world, 10)
    with local.worker(steps=instead(State.QUEUED, broken)):
        local.wait_for_count("state = 'succeeded'", 10)
        eventually(lambda: retried_at_once(local))
    assert local.scalar("SELECT count(*) FROM job_events WHERE event = 'postponed'") == 3
    assert "this is unexpected" in local.row(bad).error_detail


def test_the_slow_poll_makes_up_for_a_lost_hint(local: InProcessWorkers, world: World) -> None:
    """No hint names this job: the slow poll finds it."""
    with local.worker():
        request_jobs(local.engine, world, 1)
        assert eventually(lambda: has_succeeded(local, 1))


def test_a_hint_wakes_an_idle_worker_at_once(local: InProcessWorkers, world: World, hinter: Hinter) -> None:
    with local.worker() as worker:
        for consumer in worker.broker.consumers.values():
            consumer.idle_s = 3600.0
        worker.broker.wake(Step)
        eventually(lambda: not any(consumer.is_awake for consumer in worker.broker.consumers.values()))
        request_jobs(local.engine, world, 1)

        def has_heard() -> bool:
            hinter.hint([Step.SUBMIT], [])
            return local.count("state = 'succeeded'") == 1

        eventually(has_heard, within_s=10)
        for consumer in worker.broker.consumers.values():
            consumer.idle_s = 0.25
        worker.broker.wake(Step)


def test_a_worker_claims_only_what_its_threads_can_soon_do(local: InProcessWorkers, world: World) -> None:
    may_go = threading.Event()

    def slow(job: ClaimedJob, submit: Callable[[ClaimedJob], Work | None]) -> Work | None:
        may_go.wait(scaled(20))
        return submit(job)

    request_jobs(local.engine, world, MANY)
    with local.worker(threads=4, steps=instead(State.QUEUED, slow)):
        local.wait_for_count("claimed_by IS NOT NULL", 2)
        request_jobs(local.engine, world, 1)
        assert local.count("claimed_by IS NOT NULL") == 2, "half of four threads may submit"
        may_go.set()
        local.wait_for_count("state = 'succeeded'", MANY + 1)


def test_a_picture_does_not_wait_behind_animations(local: InProcessWorkers, world: World) -> None:
    may_go = threading.Event()

    def slow(job: ClaimedJob, transcode: Callable[[ClaimedJob], Work | None]) -> Work | None:
        if job.kind is Kind.AVATAR:
            return transcode(job)
        may_go.wait(scaled(30))
        return None

    with local.engine.begin() as conn:
        for _ in range(10):
            make_job(conn, world, State.TRANSCODING, kind=Kind.ANIMATION, duration_s=6)
    with local.worker(threads=4, steps=instead(State.TRANSCODING, slow)):
        try:
            local.wait_for_count("claimed_by IS NOT NULL", 1)
            request_jobs(local.engine, world, 3)
            local.wait_for_count("state = 'succeeded'", 3)
            assert local.count("claimed_by IS NOT NULL") == 1, "a quarter of four threads may transcode animations"
        finally:
            may_go.set()


def test_a_job_does_not_wait_behind_those_of_another_account_at_any_step(
    local: InProcessWorkers, engine: Engine, world: World
) -> None:
    with engine.begin() as conn:
        other = make_world(conn)
        for _ in range(MANY):
            make_job(conn, world, State.TRANSCODING)
    order: list[UUID] = []

    def noted(job: ClaimedJob, transcode: Callable[[ClaimedJob], Work | None]) -> Work | None:
        order.append(job.account_id)
        raise ValueError("this is unexpected")

    with engine.begin() as conn:
        make_job(conn, other, State.TRANSCODING)
    with local.worker(threads=1, steps=instead(State.TRANSCODING, noted)):
        eventually(lambda: other.owner.account_id in order)
    assert order.index(other.owner.account_id) < MANY / 2


def test_stopping_returns_unstarted_jobs_without_counting_their_claims(local: InProcessWorkers, world: World) -> None:
    request_jobs(local.engine, world, MANY)
    with local.worker():
        eventually(lambda: local.count("state = 'succeeded'") > 3)
    assert local.count("claimed_by IS NOT NULL") == 0
    assert local.count("claims > 0") == 0
    assert local.count("state = 'submitting'") == 0
    assert_sound(local.engine)


def test_two_workers_never_do_the_same_job_twice(local: InProcessWorkers, world: World) -> None:
    request_jobs(local.engine, world, MANY)
    with local.worker(name="one"), local.worker(name="two"):
        local.wait_for_count("state = 'succeeded'", MANY)
    assert_all_is_well(local, MANY)
