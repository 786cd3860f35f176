"""Whole workers: what they survive without a person, and what can not hold them up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect
from db.migrate import migrate
from diorama.embedded import THROWAWAY_SETTINGS, EmbeddedPostgres
from jobs.engine.hints import Hinter
from jobs.steps.submit import submit
from statemachine.states import State, Step
from tests.crashes.plain_media import plain_avatar
from tests.eventually import eventually
from tests.factories import World, make_job, make_world
from tests.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.jobs.worker.running import Site, instead

MANY = 40


@pytest.fixture(autouse=True)
def _plain_media(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("jobs.steps.transcode"), "normalise_avatar", plain_avatar)


@pytest.fixture
def site(engine: Engine, database_url: str) -> Site:
    return Site(database_url, engine)


def ask_for(engine: Engine, world: World, number: int) -> None:
    with engine.begin() as conn:
        for _ in range(number):
            make_job(conn, world)


def assert_all_is_well(site: Site, finished: int) -> None:
    assert_sound(site.engine)
    assert_attempts_add_up(site.engine)
    assert_credits_add_up(site.engine)
    assert len(site.provider.booked) == finished


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path, settings=THROWAWAY_SETTINGS) as server:
        yield server


def test_workers_survive_restarts_of_postgres_without_a_person(own_postgres: EmbeddedPostgres) -> None:
    """The pools, the listener, the recorder and the consumers all come back by themselves."""
    engine = connect(DatabaseSettings(own_postgres.url), name="test")
    migrate(engine)
    with engine.begin() as conn:
        world = make_world(conn)
    site = Site(own_postgres.url, engine, lease=timedelta(seconds=2))
    with site.worker():
        for batch in (1, 2):
            ask_for(engine, world, MANY)
            eventually(lambda done=batch: site.count("state = 'succeeded'") > (done - 1) * MANY)
            own_postgres.restart()
            site.wait_for("state = 'succeeded'", batch * MANY)
        # After all of that the worker is as quick as ever: the listener too has connected again.
        ask_for(engine, world, 1)
        site.wait_for("state = 'succeeded'", 2 * MANY + 1, within_s=5)
    assert_all_is_well(site, 2 * MANY + 1)
    assert site.count("claimed_by IS NOT NULL") == 0
    engine.dispose()


def test_workers_survive_pg_terminate_backend(site: Site, world: World) -> None:
    site.lease = timedelta(seconds=2)
    ask_for(site.engine, world, MANY)
    with site.worker():
        for done in range(0, MANY, 10):
            eventually(lambda least=done: site.count("state = 'succeeded'") >= least)
            site.cut()
        site.wait_for("state = 'succeeded'", MANY)
    assert_all_is_well(site, MANY)


def test_a_consumer_that_hangs_is_noticed_and_one_that_waits_for_work_is_not(site: Site) -> None:
    with site.worker() as worker:
        eventually(lambda: worker.silent_s < 0.5)
        with site.engine.connect() as conn:
            conn.execute(text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
            eventually(lambda: worker.silent_s > 1.5)
        eventually(lambda: worker.silent_s < 0.5)


def test_a_job_that_kills_its_workers_ends_as_internal_and_holds_back_nobody(site: Site, world: World) -> None:
    with site.engine.begin() as conn:
        bad = make_job(conn, world)

    def deadly(job: object, runtime: object) -> object:
        if job.id == bad:  # type: ignore[attr-defined]
            raise SystemExit
        return submit(job, runtime)  # type: ignore[arg-type]

    site.lease = timedelta(seconds=0.3)
    ask_for(site.engine, world, 10)
    with site.worker(steps=instead(State.QUEUED, deadly)):
        site.wait_for("state = 'succeeded'", 10)
        site.wait_for("state = 'failed'", 1)
    row = site.row(bad)
    assert (row.error_code, row.attempt) == ("internal", 0)
    assert_all_is_well(site, 10)


def test_a_step_that_always_fails_is_tried_a_few_times_and_holds_back_nobody(site: Site, world: World) -> None:
    with site.engine.begin() as conn:
        bad = make_job(conn, world)

    def broken(job: object, runtime: object) -> object:
        if job.id == bad:  # type: ignore[attr-defined]
            raise RuntimeError("nobody expected this")
        return submit(job, runtime)  # type: ignore[arg-type]

    ask_for(site.engine, world, 10)
    with site.worker(steps=instead(State.QUEUED, broken)):
        site.wait_for("state = 'succeeded'", 10)
        for failures in (1, 2, 3):
            site.wait_for(f"failures = {failures} AND claimed_by IS NULL", 1)
            with site.engine.begin() as conn:
                conn.execute(text("UPDATE jobs SET due_at = now() WHERE finished_at IS NULL"))
        site.wait_for("state = 'failed'", 1)
    assert "nobody expected this" in site.row(bad).error_detail


def test_a_lost_hint_costs_a_second_at_most(site: Site, world: World) -> None:
    """Nobody is told of this job: the slow poll finds it."""
    with site.worker():
        ask_for(site.engine, world, 1)
        site.wait_for("state = 'succeeded'", 1, within_s=5)


def test_a_hint_wakes_an_idle_worker_at_once(site: Site, world: World, hinter: Hinter) -> None:
    with site.worker() as worker:
        for consumer in worker.broker._consumers.values():
            consumer._idle_s = 3600.0
        worker.broker.wake(Step)
        eventually(lambda: not any(consumer._woken for consumer in worker.broker._consumers.values()))
        ask_for(site.engine, world, 1)
        eventually(lambda: hinter.hint([Step.SUBMIT], []) or site.count("state = 'succeeded'") == 1, within_s=10)
        for consumer in worker.broker._consumers.values():
            consumer._idle_s = 0.25
        worker.broker.wake(Step)


def test_only_as_much_is_claimed_as_the_threads_will_soon_get_through(site: Site, world: World) -> None:
    may_go = threading.Event()

    def slow(job: object, runtime: object) -> object:
        may_go.wait(20)
        return submit(job, runtime)  # type: ignore[arg-type]

    ask_for(site.engine, world, MANY)
    with site.worker(threads=4, steps=instead(State.QUEUED, slow)):
        site.wait_for("claimed_by IS NOT NULL", 2)
        ask_for(site.engine, world, 1)
        assert site.count("claimed_by IS NOT NULL") == 2, "half of four threads may submit"
        may_go.set()
        site.wait_for("state = 'succeeded'", MANY + 1)


def test_stopping_hands_back_what_was_not_begun_and_counts_no_claim(site: Site, world: World) -> None:
    ask_for(site.engine, world, MANY)
    with site.worker():
        eventually(lambda: site.count("state = 'succeeded'") > 3)
    assert site.count("claimed_by IS NOT NULL") == 0
    assert site.count("claims > 0") == 0
    assert site.count("state = 'submitting'") == 0
    assert_sound(site.engine)


def test_two_workers_never_do_the_same_job_twice(site: Site, world: World) -> None:
    ask_for(site.engine, world, MANY)
    with site.worker(name="one"), site.worker(name="two"):
        site.wait_for("state = 'succeeded'", MANY)
    assert_all_is_well(site, MANY)
