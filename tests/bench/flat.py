"""Flat cost: the time of a claim with few and with very many finished or due jobs in the table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect, connect_worker
from db.engine.claims import claim_due
from db.migrate import migrate
from diorama.embedded import EmbeddedPostgres
from statemachine.vocabulary import State, Step
from tests.support.databases import create_database, drop_database, unique_name
from tests.support.factories import make_job, make_world

_REPETITIONS = 100
_CLAIM = 50


@dataclass(frozen=True)
class FlatFigure:
    """The median time of a claim, in milliseconds, beside this many finished and due jobs."""

    finished: int
    due: int
    median_ms: float


def measure_flat_cost(server: EmbeddedPostgres, *, finished: Sequence[int], due: Sequence[int]) -> list[FlatFigure]:
    """Measure each number in `finished` with the first of `due`, then the other numbers in `due` with the last."""
    name = unique_name("flat")
    settings = DatabaseSettings(create_database(server.url, name))
    engine = connect_worker(settings, name="bench")
    try:
        migrate(connect(settings, name="bench"))
        with engine.begin() as conn:
            world = make_world(conn)
            make_job(conn, world)
            make_job(conn, world, State.SUCCEEDED)
        cases = [(number, due[0]) for number in finished] + [(finished[-1], number) for number in due[1:]]
        return [_measure(engine, *case) for case in cases]
    finally:
        engine.dispose()
        drop_database(server.url, name)


def _measure(engine: Engine, finished: int, due: int) -> FlatFigure:
    _fill(engine, State.SUCCEEDED, finished)
    _fill(engine, State.QUEUED, due)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE jobs, job_requests"))
    return FlatFigure(finished, due, 1000 * median(_claim(engine) for _ in range(_REPETITIONS)))


def _claim(engine: Engine) -> float:
    with engine.connect() as conn:
        began = time.perf_counter()
        jobs = claim_due(conn, Step.SUBMIT, worker="bench", limit=_CLAIM, lease_for=timedelta(minutes=1))
        took_s = time.perf_counter() - began
        assert len(jobs) == _CLAIM
        # Rolled back, so that every repetition finds the same rows.
        conn.rollback()
    return took_s


def _fill(engine: Engine, state: State, count: int) -> None:
    """Copy a job of this state until there are `count`, without triggers, because the history is not measured."""
    with engine.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        conn.execute(text("SET LOCAL statement_timeout = 0"))
        missing = count - (conn.scalar(text("SELECT count(*) FROM jobs WHERE state = :state"), {"state": state}) or 0)
        columns = ", ".join(
            conn.scalars(
                text(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = 'jobs' "
                    "AND is_generated = 'NEVER' AND column_name <> 'id'"
                )
            )
        )
        conn.execute(
            text(
                f"WITH copied AS (INSERT INTO jobs (id, {columns}) SELECT gen_random_uuid(), {columns} FROM "
                "(SELECT * FROM jobs WHERE state = :state LIMIT 1) one, generate_series(1, :missing) "
                "RETURNING id, account_id) "
                "INSERT INTO job_requests (job_id, account_id, tier, on_failure) "
                "SELECT id, account_id, 'free', 'keep' FROM copied"
            ),
            {"state": state, "missing": missing},
        )
