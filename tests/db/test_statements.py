"""Statements of the hot path run on the driver, and look to their callers as if SQLAlchemy ran them."""

from __future__ import annotations

import asyncio
from math import inf

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DataError, OperationalError

from db.connection import DatabaseSettings, connect_async, connect_worker
from db.engine.claims import next_due_in
from db.statements import execute
from db.transient import is_transient
from statemachine.vocabulary import State, Step
from tests.support.factories import make_job, make_world


def _release_nothing(conn: Connection) -> int:
    return len(execute(conn, "release", given={"ids": [], "leases": []}))


def test_rows_have_the_names_of_their_columns(engine: Engine) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, make_world(conn), State.QUEUED)
        (row,) = execute(conn, "lock_jobs", given={"jobs": [job_id]})
    assert (row.id, row.state, row.cancel_requested) == (job_id, "queued", False)


def test_a_statement_without_rows_returns_none(engine: Engine) -> None:
    with engine.begin() as conn:
        assert not execute(conn, "lock_jobs", given={"jobs": []})
        assert not execute(conn, "insert_assets", given={"rows": "[]"})


def test_what_a_connection_executes_outside_a_block_is_committed_by_commit(engine: Engine) -> None:
    with engine.connect() as conn:
        execute(conn, "hint", given={"steps": "", "ids": ""})
        assert conn.in_transaction()
        conn.execute(text("CREATE TABLE kept ()"))
        conn.commit()
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT to_regclass('kept') IS NOT NULL"))


def test_a_rejected_value_is_an_error_of_sqlalchemy_and_rolls_back(engine: Engine) -> None:
    def refused() -> None:
        with engine.begin() as conn:
            conn.execute(text("CREATE TABLE lost ()"))
            execute(conn, "insert_assets", given={"rows": "no JSON"})

    with pytest.raises(DataError, match="invalid input syntax"):
        refused()
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT to_regclass('lost') IS NULL"))


def test_a_lost_connection_is_transient_and_discards_the_pool_s_others(engine: Engine, database_url: str) -> None:
    worker = connect_worker(DatabaseSettings(database_url), name="cut-off")
    try:
        with worker.connect() as first, worker.connect() as second:
            _release_nothing(first), _release_nothing(second)
        with engine.connect() as conn:
            cut = text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'cut-off'"
            )
            assert conn.scalars(cut).all() == [True, True]
        with pytest.raises(OperationalError) as caught, worker.begin() as conn:
            _release_nothing(conn)
        assert caught.value.connection_invalidated
        assert is_transient(caught.value)
        # Both connections of the pool are new: neither use fails.
        with worker.connect() as first, worker.connect() as second:
            assert _release_nothing(first) == _release_nothing(second) == 0
    finally:
        worker.dispose()


def test_the_event_loop_s_connections_run_the_same_statements(database_url: str) -> None:
    async def due_in() -> float:
        loops = connect_async(DatabaseSettings(database_url), name="loop")
        try:
            async with loops.begin() as conn:
                await conn.run_sync(_release_nothing)
                await conn.run_sync(execute, "insert_assets", given={"rows": "[]"})
                return await conn.run_sync(next_due_in, Step.SUBMIT)
        finally:
            await loops.dispose()

    assert asyncio.run(due_in()) == inf
