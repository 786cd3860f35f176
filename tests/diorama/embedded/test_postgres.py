"""Rules of the embedded Postgres, for root and for any other user."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from diorama.embedded import THROWAWAY_SETTINGS, EmbeddedPostgres
from diorama.embedded import postgres as module
from diorama.embedded.errors import ServerFailed
from diorama.embedded.ports import free_port


def query(url: str, statement: str) -> object:
    """Run a statement on a connection of its own and return the first value."""
    with psycopg.connect(url.replace("+psycopg", "")) as conn:
        row = conn.execute(statement).fetchone()
    return row and row[0]


def execute(url: str, statement: str) -> None:
    """Run and commit a statement that returns nothing."""
    with psycopg.connect(url.replace("+psycopg", "")) as conn:
        conn.execute(statement)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server of our own, which may be ended."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("own"), settings=THROWAWAY_SETTINGS) as server:
        yield server


def test_the_url_leads_to_the_database_diorama(postgres_server: EmbeddedPostgres) -> None:
    assert query(postgres_server.url, "SELECT current_database()") == "diorama"


def test_settings_reach_the_server(postgres_server: EmbeddedPostgres) -> None:
    assert query(postgres_server.url, "SELECT current_setting('fsync')") == "off"


def test_no_client_connects_without_the_password(postgres_server: EmbeddedPostgres) -> None:
    address = f"postgresql://postgres@127.0.0.1:{postgres_server.port}/diorama?passfile=/dev/null"
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(address)


def test_a_database_from_a_template_has_its_tables(
    postgres_server: EmbeddedPostgres, new_database: Callable[[str | None], str]
) -> None:
    template = new_database(None)
    execute(template, "CREATE TABLE marks AS SELECT 7 AS mark")
    copy = new_database(template.rsplit("/", 1)[1])
    assert query(copy, "SELECT mark FROM marks") == 7


def test_a_restart_keeps_port_and_data(postgres: EmbeddedPostgres) -> None:
    url = postgres.url
    execute(url, "CREATE TABLE marks AS SELECT 7 AS mark")
    postgres.restart()
    assert postgres.url == url
    assert query(url, "SELECT mark FROM marks") == 7


def test_commits_survive_a_kill(postgres: EmbeddedPostgres) -> None:
    execute(postgres.url, "CREATE TABLE survivors AS SELECT 7 AS mark")
    postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        query(postgres.url, "SELECT 1")
    postgres.restart()
    assert query(postgres.url, "SELECT mark FROM survivors") == 7


def test_a_taken_port_is_replaced_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        offers = iter([taken.getsockname()[1]])
        monkeypatch.setattr(module, "free_port", lambda: next(offers, None) or free_port())
        with EmbeddedPostgres(tmp_path, settings=THROWAWAY_SETTINGS) as server:
            assert server.port != taken.getsockname()[1]
            assert query(server.url, "SELECT 1") == 1


def test_a_failed_start_reports_the_servers_last_log_lines(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, settings={"shared_buffers": "plenty"})
    with pytest.raises(ServerFailed, match='invalid value for parameter "shared_buffers": "plenty"'):
        server.start()
