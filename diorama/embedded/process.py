"""A server that runs as our child: starts it, waits until it is ready, stops it.

No child outlives us. `stop` ends it gracefully, at the latest when the interpreter exits; if we are killed, the kernel
ends it (on Linux). Each child has its own process group, so that Ctrl-C in a terminal reaches only us, and we stop the
servers in the order that we choose.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from diorama.embedded import launch
from diorama.embedded.account import Account
from diorama.embedded.errors import ServerFailed
from diorama.embedded.spawner import run_on_lasting_thread

T = TypeVar("T")

PROBE_EVERY_S = 0.01


@dataclass(frozen=True)
class ServerCommand:
    """A program to run as a server, and the way to end it."""

    name: str
    """Its name in messages, such as `Postgres`."""
    argv: Sequence[str | Path]
    """The program's absolute path and its arguments."""
    log_path: Path
    """The file that the server's output is appended to."""
    env: Mapping[str, str] | None = field(default=None, repr=False)
    """The whole environment; None passes ours on."""
    cwd: Path | None = None
    """Its working directory; None means ours. The account must be able to enter it."""
    account: Account | None = None
    """The account to run it as; None means our own."""
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    """The signal that the kernel sends it if we are killed."""
    stop_within_s: float = 5.0
    """The seconds that it may take to end on `stop_signal` before it is killed."""


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """The exit code of a process, or the negative number of the signal that ended it."""

    code: int


class ServerProcess:
    """A running child process. Created by `start`; `stop` and `kill` may be called any number of times."""

    def __init__(self, command: ServerCommand, child: subprocess.Popen[bytes], log_offset: int) -> None:
        self.command = command
        self.log_offset = log_offset
        """The offset of this run in a log that may contain earlier ones."""
        self._child = child
        atexit.register(self.stop)

    @classmethod
    def start(cls, command: ServerCommand) -> ServerProcess:
        """Run the command and return at once; `wait_until` waits for it to be ready."""
        log_offset = command.log_path.stat().st_size if command.log_path.exists() else 0
        return cls(command, run_on_lasting_thread(lambda: _spawn(command)), log_offset)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """True until the process has ended."""
        return self._child.poll() is None

    def exit_status(self) -> ExitStatus | None:
        """Return how the process ended, or None while it runs."""
        code = self._child.poll()
        return None if code is None else ExitStatus(code)

    def wait_until(self, probe: Callable[[], T | None], within_s: float) -> T:
        """Call `probe` until it returns a result, and return that. None and False mean that it is not ready yet.

        Raises `ServerFailed` as soon as the process has ended, or when `within_s` has passed.
        """
        deadline = time.monotonic() + within_s
        while True:
            if found := probe():
                return found
            if not self.is_running:
                if found := probe():  # it may have become ready, or printed its result, just before it ended
                    return found
                raise self.failure(f"ended with exit status {self._child.returncode} before it was ready")
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready after {within_s:g} s")
            time.sleep(PROBE_EVERY_S)

    def output(self) -> str:
        """Return what this run has written to its log so far."""
        return self.command.log_path.read_bytes()[self.log_offset :].decode(errors="replace")

    def failure(self, what: str) -> ServerFailed:
        """Return an error that says `what` happened and ends with the server's last log lines."""
        return ServerFailed(self.command.name, what, self.command.log_path, self.log_offset)

    def stop(self) -> None:
        """Stop the process gracefully, or by force if that takes too long. Harmless if it has ended."""
        self.signal(self.command.stop_signal)
        try:
            self._child.wait(self.command.stop_within_s)
        except subprocess.TimeoutExpired:
            self.kill()
        atexit.unregister(self.stop)

    def kill(self) -> None:
        """End the process group by force, as a crash would, and wait until the process is gone."""
        if self.is_running:
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()
        atexit.unregister(self.stop)

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal. Harmless if it has ended."""
        if self.is_running:
            self._child.send_signal(number)


def run_to_end(command: ServerCommand, within_s: float) -> None:
    """Run a command that ends by itself. Raises `ServerFailed` when it fails or takes longer than `within_s`."""
    process = ServerProcess.start(command)
    try:
        status = process.wait_until(process.exit_status, within_s)
    finally:
        process.kill()
    if status.code != 0:
        raise process.failure(f"could not be prepared: {Path(command.argv[0]).name} ended with status {status.code}")


def _spawn(command: ServerCommand) -> subprocess.Popen[bytes]:
    with command.log_path.open("ab") as log:
        return subprocess.Popen(
            _launch_argv(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=command.env,
            cwd=command.cwd,
            process_group=0,
        )


def _launch_argv(command: ServerCommand) -> list[str]:
    account = command.account or Account(launch.KEEP, launch.KEEP)
    launcher = [sys.executable, "-I", "-S", str(Path(launch.__file__).resolve())]
    terms = [os.getpid(), command.death_signal.value, account.uid, account.gid]
    return [*launcher, *map(str, terms), *map(str, command.argv)]
