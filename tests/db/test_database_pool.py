"""A database that a test gave back equals a fresh one, or no other test gets it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url, text

from db.connection import DatabaseSettings, connect
from diorama.embedded import EmbeddedPostgres
from tests.support.database_pool import DatabasePool
from tests.support.databases import drop_database
from tests.support.factories import make_job, make_world
from tests.support.schema_dump import schema_dump


@pytest.fixture
def pool(postgres_server: EmbeddedPostgres, migrated_template: str) -> DatabasePool:
    """A pool of this test's own."""
    return DatabasePool(postgres_server.url, migrated_template)


@pytest.fixture
def url(pool: DatabasePool, postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A database that was borrowed from the pool."""
    borrowed = pool.borrow()
    yield borrowed
    drop_database(postgres_server.url, make_url(borrowed).database or "")


def connected(url: str) -> psycopg.Connection:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, and the state of every sequence."""
    with connected(url) as conn:
        tables = conn.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        found = {name: conn.execute(f'SELECT t::text FROM "{name}" AS t ORDER BY 1').fetchall() for (name,) in tables}
        found["sequences"] = conn.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall()
        return found


def fill(url: str) -> None:
    engine = connect(DatabaseSettings(url, pool_size=1), name="test")
    with engine.begin() as conn:
        make_job(conn, make_world(conn))
        conn.execute(text("DELETE FROM provider_budgets WHERE call = 'create'"))
        conn.execute(text("DELETE FROM watcher_status"))
    engine.dispose()


def test_a_database_that_was_filled_is_emptied_for_the_next_test(pool: DatabasePool, url: str) -> None:
    fresh = contents(url)
    fill(url)
    assert contents(url) != fresh
    pool.give_back(url)
    assert pool.borrow() == url
    assert contents(url) == fresh


def test_a_setting_of_the_database_ends_with_the_test(pool: DatabasePool, url: str) -> None:
    with connected(url) as conn:
        conn.execute(f"ALTER DATABASE \"{conn.info.dbname}\" SET diorama.clock_offset = '3 days'")
    pool.give_back(url)
    with connected(pool.borrow()) as conn:
        assert conn.execute("SELECT current_setting('diorama.clock_offset', true)").fetchone() in [("",), (None,)]


def test_a_client_that_a_test_left_connected_is_disconnected(pool: DatabasePool, url: str) -> None:
    left = connected(url)
    left.execute("SELECT 1 FROM jobs")
    pool.give_back(url)
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE jobs ADD COLUMN mood text",
        "ALTER TABLE jobs DISABLE TRIGGER job_history_of_moves",
        "ALTER TABLE jobs DROP CONSTRAINT jobs_kind_known",
        "CREATE OR REPLACE FUNCTION diorama_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
        "CREATE TABLE extra (id integer)",
        "DROP INDEX jobs_due",
        "INSERT INTO accounts (id, name) SELECT gen_random_uuid(), n::text FROM generate_series(1, 2000) AS n",
    ],
)
def test_a_database_whose_schema_changed_or_that_grew_is_dropped(pool: DatabasePool, url: str, change: str) -> None:
    dump = schema_dump(url)
    with connected(url) as conn:
        conn.execute(change)
    pool.give_back(url)
    with pytest.raises(psycopg.OperationalError):
        connected(url)
    other = pool.borrow()
    assert other != url
    assert schema_dump(other) == dump
