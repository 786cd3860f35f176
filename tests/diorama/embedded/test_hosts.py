"""The servers run for any user, beside each other and beside other servers, and end with their host."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from diorama.embedded import THROWAWAY_SETTINGS, EmbeddedPostgres, EmbeddedS3, EmbeddedServer
from storage import S3Store
from tests.diorama.embedded.conftest import Host, UsersPython
from tests.diorama.embedded.living import members, owner, runs
from tests.support.eventually import eventually


def announced(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the host ended before its servers were ready"
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.fixture(scope="module")
def pids(host: Host, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """The process ids of the host, its Postgres, its object store and its simulator."""
    process = host(tmp_path_factory.mktemp("host"))
    return [process.pid, *announced(process)["pids"]]


def test_an_ordinary_user_runs_everything_as_itself(
    host: Host, ordinary_python: UsersPython, open_directory: Path
) -> None:
    running = announced(host(open_directory / "data", ordinary_python))
    assert {owner(pid) for pid in running["pids"]} == {ordinary_python.user.pw_uid}
    assert Path(running["data"]).is_relative_to(open_directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_runs_postgres_as_another_user(pids: list[int]) -> None:
    _, postgres, *others = pids
    assert owner(postgres) != 0
    assert {owner(pid) for pid in others} == {0}


def test_ctrl_c_reaches_the_host_alone(pids: list[int]) -> None:
    """The servers are in their own process groups, so the host can first stop what uses them."""
    assert len({os.getpgid(pid) for pid in pids}) == 4


def test_killing_a_host_ends_its_servers(host: Host, open_directory: Path) -> None:
    process = host(open_directory)
    everyone = members(announced(process)["pids"])
    assert len(everyone) > 3
    process.kill()
    process.wait()
    assert eventually(lambda: not any(map(runs, everyone)))


def test_a_host_that_does_not_stop_its_servers_stops_them_at_its_end(
    host: Host, scratch_root: Path, open_directory: Path
) -> None:
    process = host(open_directory)
    everyone = members(announced(process)["pids"])
    process.communicate()
    assert process.returncode == 0
    assert not any(map(runs, everyone))
    assert list(scratch_root.iterdir()) == []


def test_two_of_each_run_at_once(tmp_path: Path) -> None:
    databases = [postgres_in(tmp_path / name) for name in "ab"]
    stores = [EmbeddedS3(tmp_path / name) for name in "ab"]
    with ExitStack() as running:
        for server in (*databases, *stores):
            running.callback(server.stop)
        start_all([*databases, *stores])
        for number, (database, store) in enumerate(zip(databases, stores, strict=True)):
            execute(database, f"CREATE TABLE marks AS SELECT {number} AS mark")
            S3Store(store.settings).put_stream(f"key-{number}", [b"x"], content_type="text/plain", max_bytes=1)
        assert [execute(database, "SELECT mark FROM marks") for database in databases] == [0, 1]
        assert [[found.key for found in S3Store(store.settings).list()] for store in stores] == [["key-0"], ["key-1"]]


def test_postgres_starts_with_its_usual_port_taken(tmp_path: Path) -> None:
    with socket.socket() as usual:
        usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if usual.connect_ex(("127.0.0.1", 5432)) != 0:  # else another Postgres has taken it for us
            usual.close()
            taken = socket.create_server(("127.0.0.1", 5432))
        else:
            taken = usual
        with taken, postgres_in(tmp_path) as server:
            assert execute(server, "SELECT 1") == 1


def test_stopping_may_be_repeated_and_leaves_nothing(tmp_path: Path, scratch_root: Path) -> None:
    servers = [postgres_in(tmp_path), EmbeddedS3(tmp_path)]
    start_all(servers)
    assert len(list(scratch_root.iterdir())) == 2
    for server in servers * 2:
        server.stop()
    assert list(scratch_root.iterdir()) == []
    sockets = [word for word in (tmp_path / "seaweedfs.log").read_text().split() if word.endswith(".sock")]
    assert len(sockets) >= 4
    assert [path for path in sockets if Path(path).exists()] == []


def test_a_durable_postgres_ends_an_open_transaction_and_stops_in_order(tmp_path: Path) -> None:
    """If it waited for the transaction, it would be killed in the end and have to recover at its next start."""
    with EmbeddedPostgres(tmp_path) as server:
        conn = psycopg.connect(server.url.replace("+psycopg", ""))
        conn.execute("CREATE TABLE open (x int)")
        server.stop()
        conn.close()
    log = (tmp_path / "postgres.log").read_text(encoding="utf-8")
    assert "terminating connection due to administrator command" in log
    assert log.rstrip().endswith("database system is shut down")


def test_starting_again_on_a_directory_finds_what_was_kept(open_directory: Path) -> None:
    for run in ("run-1", "run-2"):
        database, server = postgres_in(open_directory), EmbeddedS3(open_directory)
        with ExitStack() as running:
            running.callback(database.stop)
            running.callback(server.stop)
            start_all([database, server])
            store = S3Store(server.settings)
            execute(database, "CREATE TABLE IF NOT EXISTS runs (x int); INSERT INTO runs VALUES (1)")
            store.put_stream(run, [b"x"], content_type="text/plain", max_bytes=1)
            rows, objects = execute(database, "SELECT count(*) FROM runs"), [each.key for each in store.list()]
    assert rows == 2
    assert objects == ["run-1", "run-2"]


def test_a_signal_that_kills_a_server_is_a_crash_and_not_a_hang(tmp_path: Path) -> None:
    with postgres_in(tmp_path) as server:
        os.kill(server.pid, signal.SIGKILL)
        assert eventually(lambda: not runs(server.pid))
        server.restart()
        assert execute(server, "SELECT 1") == 1


def start_all(servers: Sequence[EmbeddedServer]) -> None:
    """Start servers in parallel, on threads that end at once."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda server: server.start(), servers))


def postgres_in(directory: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(directory, settings=THROWAWAY_SETTINGS)


def execute(server: EmbeddedPostgres, statement: str) -> object:
    with psycopg.connect(server.url.replace("+psycopg", "")) as conn:
        result = conn.execute(statement)
        row = result.fetchone() if result.description else None
    return row and row[0]
