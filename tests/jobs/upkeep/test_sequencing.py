"""The sequencer at work: woken by hints, one process for all, and no event lost when it or the database goes away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import Engine, text

from db.engine.activity import lag_s
from db.engine.notify import ACTIVITY_CHANNEL
from db.records.activity import head
from jobs.engine.hints import Hinter
from jobs.upkeep import sequencing
from jobs.upkeep.periodic import SEQUENCING, PeriodicRunner, PeriodicTask
from jobs.upkeep.sequencing import Sequencer
from statemachine.vocabulary import State
from tests.support.eventually import eventually, scaled
from tests.support.factories import World, make_job, make_world


@contextmanager
def running(engine: Engine) -> Iterator[None]:
    sequencer = Sequencer(engine, every_s=0.01)
    runner = PeriodicRunner(engine, [PeriodicTask("sequence", 0.0, sequencer.step, SEQUENCING, sequencer.close)])
    try:
        yield
    finally:
        runner.close()


def count(engine: Engine, world: World) -> int:
    with engine.connect() as conn:
        return head(conn, world.owner.account_id).position


def listeners(engine: Engine) -> int:
    with engine.connect() as conn:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'diorama-sequencer'"
        return conn.scalar(text(f"{query} AND datname = current_database()")) or 0


def test_a_hint_wakes_the_sequencer_and_the_sequencer_wakes_the_readers(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencing, "_POLL_EVERY_S", 3600.0)
    with engine.begin() as conn:
        world = make_world(conn)
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    hinter = Hinter(engine)
    with running(engine), psycopg.connect(address, autocommit=True) as reader:
        reader.execute(f"LISTEN {ACTIVITY_CHANNEL}")
        eventually(lambda: listeners(engine) == 1)
        # Numbered without a hint, if the first run comes after them.
        with engine.begin() as conn:
            job_id = make_job(conn, world, State.SUCCEEDED)
        hinter.hint([], [job_id])
        (notice,) = reader.notifies(timeout=scaled(10), stop_after=1)
        assert notice.payload == world.owner.account_id.hex
        assert count(engine, world) == 6
    hinter.close()
    # Only the leader listens. Postgres shows a closed connection for a moment more.
    eventually(lambda: listeners(engine) == 0)


def test_without_hints_events_are_numbered_within_moments(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
    with running(engine):
        for number in range(1, 3):
            with engine.begin() as conn:
                make_job(conn, world)
            eventually(lambda: count(engine, world) == number)  # noqa: B023 - called at once


def test_the_sequencer_goes_on_after_its_connections_were_cut(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with running(engine):
        for number in range(1, 4):
            eventually(lambda: listeners(engine) == 1)
            with engine.begin() as conn:
                make_job(conn, world)
            with psycopg.connect(engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as own:
                own.execute(str(cut))
            engine.dispose()
            eventually(lambda: count(engine, world) == number)  # noqa: B023 - called at once


def test_the_lag_is_the_age_of_the_oldest_event_without_a_position(engine: Engine) -> None:
    with engine.begin() as conn:
        assert lag_s(conn) == 0.0
        world = make_world(conn)
        make_job(conn, world)
    began = time.monotonic()
    with engine.connect() as conn:
        eventually(lambda: lag_s(conn) > 0.0)
        conn.rollback()
        assert lag_s(conn) <= time.monotonic() - began + 10
    with running(engine):
        eventually(lambda: count(engine, world) == 1)
    with engine.connect() as conn:
        assert lag_s(conn) == 0.0
