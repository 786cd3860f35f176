"""A Postgres data directory and the password that opens it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from diorama.embedded.account import Account, give
from diorama.embedded.postgres_install import PostgresInstall
from diorama.embedded.process import ServerCommand, run_to_end

SUPERUSER = "postgres"
INITDB_WITHIN_S = 60.0
STATUS_LINE = 7  # of postmaster.pid, counted from 0

# The same locale on all machines, and no fsync: before the first row there is nothing to lose.
INITDB_OPTIONS = (
    "--no-sync",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    f"--username={SUPERUSER}",
    # The password is random and long: rounds of hashing would add nothing but time to every connect.
    "--set=scram_iterations=1",
)


@dataclass(frozen=True, slots=True)
class PostgresCluster:
    """The files of one server below `home`, owned by `account`, or by us if it is None."""

    home: Path
    install: PostgresInstall
    account: Account | None

    @property
    def data(self) -> Path:
        """The data directory, as `postgres -D` wants it."""
        return self.home / "data"

    def password(self) -> str:
        """Return the superuser's password."""
        return self._password_path.read_text()

    def create(self, log_path: Path) -> None:
        """Create the data directory unless it exists. Takes about half a second. Raises `ServerFailed`."""
        if (self.data / "PG_VERSION").exists():
            return
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        give(self.home, self.account)
        self._write_password()
        self._run_initdb(log_path)

    def is_served_by(self, pid: int) -> bool:
        """Return whether this very process has recovered the data and accepts clients, as its pid file says.

        A probe of the port could reach another process that took it first.
        """
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > STATUS_LINE and lines[0] == str(pid) and lines[STATUS_LINE].strip() == "ready"

    @property
    def _password_path(self) -> Path:
        return self.home / "password"

    def _write_password(self) -> None:
        self._password_path.touch(mode=0o600)
        self._password_path.write_text(secrets.token_urlsafe(24))
        give(self._password_path, self.account)

    def _run_initdb(self, log_path: Path) -> None:
        command = ServerCommand(
            name="Postgres",
            argv=[
                self.install.bin / "initdb",
                f"--pgdata={self.data}",
                f"--pwfile={self._password_path}",
                *INITDB_OPTIONS,
            ],
            log_path=log_path,
            env=server_environment(),
            account=self.account,
            cwd=self.home,
        )
        run_to_end(command, within_s=INITDB_WITHIN_S)


def server_environment() -> Mapping[str, str]:
    """Return our environment without the variables that would affect Postgres: PG* and the user's locale."""
    unwanted = ("PG", "LC_", "LANG")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)} | {"TZ": "UTC"}
