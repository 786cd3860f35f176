"""Migrations may take long, wait for each other, and do not block other transactions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, text

import db.migrate
from db.connection import DatabaseSettings, connect
from db.migrate import current_revision, is_behind, migrate, newest_revision
from tests.support.eventually import eventually, scaled

_WAITS = text(
    "SELECT now() - query_start > interval '1.1 s' FROM pg_stat_activity "
    "WHERE application_name = 'migrate' AND wait_event_type = 'Lock'"
)


@pytest.fixture
def impatient(database_url: str) -> Iterator[Engine]:
    """Yield an engine on which every statement, and every wait for a lock, times out after a second."""
    engine = connect(DatabaseSettings(database_url, 2, statement_timeout_s=1, lock_timeout_s=1), name="migrate")
    yield engine
    engine.dispose()


def waits(engine: Engine) -> bool:
    """Return whether a migration has waited for a lock for longer than its engine's limits."""
    with engine.connect() as conn:
        return bool(conn.scalar(_WAITS))


@contextmanager
def migrating(engine: Engine) -> Iterator[Future[None]]:
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(migrate, engine)


def test_a_migration_waits_for_another_hosts_however_long_that_takes(engine: Engine, impatient: Engine) -> None:
    with engine.connect() as other:
        other.execute(text("SELECT pg_advisory_lock(:key)"), {"key": db.migrate.MIGRATION_LOCK})
        with migrating(impatient) as done:
            eventually(lambda: waits(engine) or done.done())
            assert not done.done(), done.exception()
            other.rollback()
            other.execute(text("SELECT pg_advisory_unlock_all()"))
            done.result(timeout=scaled(20))


def test_a_migration_that_waits_for_the_lock_of_a_table_does_not_block_others(
    engine: Engine, impatient: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: threading.Semaphore = threading.Semaphore(0)

    def try_again(_: float) -> None:
        tried.release()

    monkeypatch.setattr(db.migrate, "LOCK_TIMEOUT_MS", 50)
    monkeypatch.setattr("db.migrate.time.sleep", try_again)
    with engine.begin() as conn:
        month = conn.scalar(text("SELECT max(name) FROM history_months()"))
        conn.execute(text(f"DROP TABLE {month}"))
    with engine.connect() as other:
        other.execute(text("LOCK TABLE job_events_other IN ACCESS SHARE MODE"))
        with migrating(impatient) as done:
            for _ in range(2):
                assert tried.acquire(timeout=scaled(20))
            assert not done.done()
            other.rollback()
            done.result(timeout=scaled(20))


def test_older_code_leaves_a_newer_database_as_it_is(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    migrate(engine)
    with engine.connect() as conn:
        assert current_revision(conn) == "9999"


@pytest.mark.parametrize(("revision", "behind"), [(None, True), ("0000", True), (newest_revision(), False)])
def test_only_an_older_database_is_behind(revision: str | None, behind: bool) -> None:
    assert is_behind(revision) is behind
