"""A real Postgres of our own, for the demo, for `make up` and for the tests.

It works for ordinary users and for root, beside any other Postgres, and any number of times at once: it listens on a
free loopback port, keeps its socket in its own directory, and requires a password that only its `url` contains.
"""

from __future__ import annotations

import atexit
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql
from sqlalchemy import URL

from diorama.embedded.account import server_account
from diorama.embedded.errors import EmbeddedServerError, ServerFailed
from diorama.embedded.ports import LOOPBACK, free_port
from diorama.embedded.postgres_cluster import SUPERUSER, PostgresCluster, server_environment
from diorama.embedded.postgres_install import find_postgres
from diorama.embedded.process import ServerCommand, ServerProcess
from diorama.embedded.scratch import Scratch, make_scratch
from diorama.embedded.server import EmbeddedServer

DATABASE = "diorama"
READY_WITHIN_S = 30.0
START_ATTEMPTS = 10
RETRY_AFTER_S = 0.1

# Errors that may be gone at the next attempt: another process took our port, or a killed server is still ending.
TRANSIENT_ERRORS = ("Address already in use", "shared memory block")

DEFAULT_SETTINGS: Mapping[str, str] = {"max_connections": "200", "shared_buffers": "128MB", "jit": "off"}

# For tests: commits survive a kill of the server, but not a power cut.
THROWAWAY_SETTINGS: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgres(EmbeddedServer):
    """A Postgres server, by default as durable as any.

    `directory` contains the log and, if the server's account can reach it, the data, which the next start on the same
    directory finds. If we are root and only root may enter the directory, the data is in a temporary directory, which
    `stop` removes. `settings` are those of postgresql.conf and override `DEFAULT_SETTINGS`.
    """

    def __init__(self, directory: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._directory = directory.resolve()
        self._settings = {**DEFAULT_SETTINGS, **(settings or {})}
        self._scratch: Scratch | None = None
        self._cluster: PostgresCluster | None = None
        self._process: ServerProcess | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The address of the database `diorama` for SQLAlchemy, password included."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the address of another database on this server for SQLAlchemy."""
        return self._address("postgresql+psycopg", database, self.port)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._port

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._running.pid

    @property
    def bin_directory(self) -> Path:
        """The directory of psql, pgbench and the other programs."""
        return self._files.install.bin

    @property
    def socket_directory(self) -> Path:
        """The directory of the Unix socket, for measurements without TCP."""
        if self._scratch is None:
            raise EmbeddedServerError("Postgres is not running: call start() first, or use it in a with block.")
        return self._scratch.path

    @property
    def data_directory(self) -> Path:
        """The data directory."""
        return self._files.data

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self._directory / "postgres.log"

    def start(self) -> Self:
        """Start the server, on its previous port if it ran before, and create the database `diorama`."""
        if self._process is not None:
            return self
        atexit.register(self.stop)
        try:
            self._prepare_files()
            self._process = self._start_process()
            self._create_database()
        except BaseException:
            self.stop()
            raise
        return self

    def restart(self) -> None:
        """Shut the server down and start it again: same port, same data, all connections closed."""
        self._running.stop()
        self._process = self._start_process()

    def kill(self) -> None:
        """End the server as a crash would. `restart` brings it back on the same port with everything committed."""
        self._running.kill()

    def stop(self) -> None:
        """Stop the server within a second or so; connections are closed, open transactions rolled back."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._scratch is not None:
            self._scratch.remove()
            self._scratch = None
        atexit.unregister(self.stop)

    @property
    def _running(self) -> ServerProcess:
        if self._process is None:
            raise EmbeddedServerError("Postgres is not running: call start() first, or use it in a with block.")
        return self._process

    @property
    def _files(self) -> PostgresCluster:
        if self._cluster is None:
            raise EmbeddedServerError("Postgres has no files yet: call start() first, or use it in a with block.")
        return self._cluster

    def _prepare_files(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        account = server_account()
        self._scratch = make_scratch(account)
        reachable = account is None or account.can_reach(self._directory)
        home = (self._directory if reachable else self._scratch.path) / "postgres"
        install = find_postgres().usable_by(account, self._scratch.path)
        self._cluster = PostgresCluster(home, install, account)
        self._cluster.create(self.log_path)

    def _start_process(self) -> ServerProcess:
        """Start the server, and try again a few times if the error is transient."""
        for _ in range(START_ATTEMPTS - 1):
            try:
                return self._start_once()
            except ServerFailed as failure:
                if not any(error in failure.log_tail for error in TRANSIENT_ERRORS):
                    raise
            time.sleep(RETRY_AFTER_S)
        return self._start_once()

    def _start_once(self) -> ServerProcess:
        """Start the server on its previous port, which others may know, or the first time on any free one."""
        port = self._port or free_port()
        process = ServerProcess.start(self._command(port))
        try:
            process.wait_until(lambda: self._files.is_served_by(process.pid), READY_WITHIN_S)
        except BaseException:
            process.kill()
            raise
        self._port = port
        return process

    def _command(self, port: int) -> ServerCommand:
        places = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": str(self.socket_directory),
        }
        options = [f"--{name}={value}" for name, value in {**self._settings, **places}.items()]
        return ServerCommand(
            name="Postgres",
            argv=[self._files.install.bin / "postgres", "-D", self._files.data, *options],
            log_path=self.log_path,
            env=server_environment(),
            account=self._files.account,
            cwd=self.socket_directory,
            stop_signal=self._stop_signal,
            death_signal=signal.SIGQUIT,
        )

    @property
    def _stop_signal(self) -> signal.Signals:
        """Postgres's fast shutdown, or its immediate one if nothing on disk needs to last."""
        return signal.SIGQUIT if self._settings.get("fsync") == "off" else signal.SIGINT

    def _create_database(self) -> None:
        with psycopg.connect(self._address("postgresql", "postgres", self._port), autocommit=True) as conn:
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _address(self, scheme: str, database: str, port: int) -> str:
        url = URL.create(scheme, SUPERUSER, self._files.password(), LOOPBACK, port, database)
        return url.render_as_string(hide_password=False)
