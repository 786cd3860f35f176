"""All parts on one machine: the embedded servers, the API and the workers.

A server that `DATABASE_URL`, `S3_*` or `REPLICATE_*` configures is used instead of the embedded one.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from db.connection import DatabaseSettings, connect
from db.migrate import migrate
from diorama.embedded import (
    EmbeddedPostgres,
    EmbeddedS3,
    EmbeddedServer,
    ServerCommand,
    ServerProcess,
    SimulatorProcess,
)
from diorama.embedded.ports import LOOPBACK, free_port
from diorama.preflight import check_database, check_provider, check_store
from diorama.settings import Settings, read_settings
from diorama.wiring import build_store
from jobs.api_keys import issue_api_key
from jobs.requesting.credits import grant_to_account

# A busy machine takes this long to import the program; a program that fails ends, and is reported at once.
_READY_WITHIN_S = 120.0
# The credits of the printed key, enough for tens of thousands of stories.
_CREDITS = 1_000_000


@dataclass(frozen=True, slots=True)
class StackOptions:
    """Options of the parts. `simulator_speed` is how many times as fast as the real models the stand-in is."""

    directory: Path
    embedded_parts: frozenset[str]
    simulator_speed: float = 60.0
    development: bool = True
    worker_processes: int = 1
    worker_threads: int = 8
    api_port: int = 0


class Stack:
    """Starts all parts on enter and stops them on exit, in reverse order."""

    def __init__(self, options: StackOptions) -> None:
        self._options = options
        # Chosen before the API starts: the provider's webhooks name it.
        self._port = options.api_port or free_port()
        self._running = ExitStack()
        self.environment: dict[str, str] = dict(os.environ)
        self.api_url = ""
        self.api_key = ""
        self.addresses: dict[str, str] = {}

    def __enter__(self) -> Stack:
        with ExitStack() as guard:
            guard.callback(self._running.close)
            self._start()
            guard.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def _start(self) -> None:
        self._options.directory.mkdir(parents=True, exist_ok=True)
        self._start_servers()
        self._prepare()
        with ThreadPoolExecutor() as pool:
            threads = str(self._options.worker_threads)
            processes = str(self._options.worker_processes)
            worker = pool.submit(self._program, "worker", "--processes", processes, "--threads", threads)
            api = pool.submit(self._program, "serve", "--port", str(self._port))
            self.api_url = str(api.result()["api"])
            worker.result()
        self.addresses["API"] = f"{self.api_url}/graphql"

    def _start_servers(self) -> None:
        """Start the embedded servers side by side; each takes a second or so."""
        servers = self._servers()
        # Before they start: if one fails, the others must be stopped too.
        for server in servers.values():
            self._running.callback(server.stop)
        with ThreadPoolExecutor(max_workers=len(servers) or 1) as pool:
            list(pool.map(lambda server: server.start(), servers.values()))
        for name, server in servers.items():
            self.environment.update(environment_of(server))
            self.addresses[name] = _address_of(server)

    def _servers(self) -> dict[str, EmbeddedServer]:
        parts, directory = self._options.embedded_parts, self._options.directory
        servers: dict[str, EmbeddedServer] = {}
        if "database" in parts:
            servers["Postgres"] = EmbeddedPostgres(_made(directory / "postgres"))
        if "store" in parts:
            servers["Object store"] = EmbeddedS3(_made(directory / "s3"))
        if "provider" in parts:
            servers["Replicate stand-in"] = SimulatorProcess(
                _made(directory / "simulator"), speed=self._options.simulator_speed
            )
            # The stand-in can reach the API, so it sends webhooks and is not polled.
            self.environment["PUBLIC_URL"] = f"http://{LOOPBACK}:{self._port}"
        return servers

    def _prepare(self) -> None:
        """Bring the database and the bucket up to date and create a key for the client."""
        self.environment["DEVELOPMENT"] = "true" if self._options.development else "false"
        if self._options.development:
            # A developer's endpoints are on this machine.
            self.environment.setdefault("WEBHOOK_NETWORKS", "127.0.0.0/8")
        settings = read_settings("database", "store", "provider", **_overrides(self.environment))
        check_database(settings, migrated=False)
        check_provider(settings)
        engine = connect(DatabaseSettings(settings.database_url), name="diorama-prepare")
        migrate(engine)
        with engine.begin() as conn:
            self.api_key = issue_api_key(conn, "demo", role="partner", key_name="demo")
            grant_to_account(conn, "demo", _CREDITS, actor="demo")
        engine.dispose()
        build_store(settings).ensure_bucket()
        check_store(settings)

    def _program(self, name: str, *arguments: str) -> dict[str, Any]:
        """Start one of our own programs and return what it announced."""
        log_path = self._options.directory / f"{name}.log"
        command = ServerCommand(
            name=f"diorama {name}",
            argv=[sys.executable, "-m", "diorama", name, *arguments],
            log_path=log_path,
            env=self.environment,
            stop_within_s=15.0,
        )
        process = ServerProcess.start(command)
        self._running.callback(process.stop)
        return process.wait_until(lambda: _announced(log_path, process.log_offset), _READY_WITHIN_S)


def _announced(log_path: Path, offset: int) -> dict[str, Any] | None:
    """Return the line of JSON that a program prints when it is ready, or None if it has not yet."""
    for line in log_path.read_bytes()[offset:].splitlines():
        if line.startswith(b"{") and (b'"api"' in line or b'"worker"' in line):
            found: dict[str, Any] = json.loads(line)
            return found
    return None


def environment_of(server: EmbeddedServer) -> Mapping[str, str]:
    """Return the settings that point a program at a server."""
    match server:
        case EmbeddedPostgres():
            return {"DATABASE_URL": server.url}
        case EmbeddedS3():
            return {
                "S3_ENDPOINT_URL": server.endpoint_url,
                "S3_BUCKET": server.bucket,
                "S3_ACCESS_KEY_ID": server.access_key_id,
                "S3_SECRET_ACCESS_KEY": server.secret_access_key,
            }
        case SimulatorProcess():
            return {
                "REPLICATE_BASE_URL": server.api_url,
                "REPLICATE_API_TOKEN": "stand-in",
                "REPLICATE_DELIVERY_HOSTS": server.delivery_url.removeprefix("http://"),
                "OPENAI_API_KEY": "stand-in",
            }
        case _:
            raise TypeError(f"unknown server {server!r}")


def _address_of(server: EmbeddedServer) -> str:
    match server:
        case EmbeddedPostgres():
            # As psql takes it: without SQLAlchemy's name for the driver.
            return server.url.replace("+psycopg", "", 1)
        case EmbeddedS3():
            return server.endpoint_url
        case SimulatorProcess():
            return server.api_url
        case _:
            raise TypeError(f"unknown server {server!r}")


def _overrides(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of an environment that is not this process's own."""
    return {name: environment[name.upper()] for name in Settings.model_fields if name.upper() in environment}


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory
