"""The roles of the API are made by every migration that may, and left out by one that may not."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from db.access import is_granted
from db.connection import DatabaseSettings, connect
from db.migrate import migrate
from diorama.doctor.examination import _roles
from diorama.embedded import THROWAWAY_SETTINGS, EmbeddedPostgres
from tests.support.databases import create_database

AT_ONCE = 4
NAMES = ("diorama_account", "diorama_viewer", "diorama_agent")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """Yield a server of its own, because roles belong to all databases of one."""
    folder: Path = tmp_path_factory.mktemp("cluster")
    with EmbeddedPostgres(folder, settings=THROWAWAY_SETTINGS) as server:
        yield server


def migrated(url: str) -> tuple[bool, list[bool | None]]:
    """Migrate a database; return whether its roles are in use, and what the doctor says of them."""
    engine = connect(DatabaseSettings(url, pool_size=1), name="access")
    try:
        migrate(engine)
        with engine.connect() as conn:
            return is_granted(conn), [finding.ok for finding in _roles(conn)]
    finally:
        engine.dispose()


def run(url: str, *statements: str) -> None:
    engine = connect(DatabaseSettings(url, pool_size=1), name="access")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        for each in statements:
            conn.execute(text(each))
    engine.dispose()


def test_roles_are_left_out_by_who_may_not_make_them_until_somebody_has(cluster: EmbeddedPostgres) -> None:
    run(cluster.url, "CREATE ROLE plain LOGIN PASSWORD 'plain'", "CREATE DATABASE managed OWNER plain")
    url = make_url(cluster.url).set(database="managed", username="plain", password="plain")
    theirs = url.render_as_string(hide_password=False)
    run(make_url(cluster.url).set(database="managed").render_as_string(hide_password=False),
        "ALTER SCHEMA public OWNER TO plain")  # fmt: skip
    assert migrated(theirs) == (False, [None])
    run(cluster.url, *(f"CREATE ROLE {name} NOLOGIN" for name in NAMES), f"GRANT {', '.join(NAMES)} TO plain")
    assert migrated(theirs) == (True, [True])
    run(cluster.url, "DROP DATABASE managed WITH (FORCE)", *(f"DROP ROLE {name}" for name in NAMES))


def granted(url: str) -> bool:
    """Do what a migration does about the roles: Alembic runs one migration at a time in a process."""
    engine = connect(DatabaseSettings(url, pool_size=1), name="access")
    with engine.begin() as conn:
        conn.execute(text("SELECT grant_access()"))
    with engine.connect() as conn:
        found = is_granted(conn)
    engine.dispose()
    return found


def test_databases_that_are_migrated_at_once_make_the_roles_once(cluster: EmbeddedPostgres) -> None:
    urls = [create_database(cluster.url, f"one-{number}") for number in range(AT_ONCE)]
    for url in urls:
        assert migrated(url) == (True, [True])
    for _ in range(3):
        for url in urls:
            run(url, *(f"DROP OWNED BY {name}" for name in NAMES))
        run(cluster.url, *(f"DROP ROLE {name}" for name in NAMES))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert list(pool.map(granted, urls)) == [True] * AT_ONCE
