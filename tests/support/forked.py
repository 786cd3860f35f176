"""The program's processes, forked from one that has imported every part: importing takes longer than most tests.

Such a process can be killed, frozen and stopped like any other. The tests of the demo and of the supervisor start the
program as users do.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import cast

from diorama.embedded import ServerCommand, ServerProcess
from tests.support.eventually import eventually, scaled
from tests.support.tuned import use

_PRELOADED = ["tests.support.forked", "diorama.serve", "diorama.work", "diorama.preflight", "diorama.doctor.bucket"]
_PR_SET_PDEATHSIG = 1


def start_program(command: ServerCommand) -> ServerProcess:
    """Run the program with the arguments that follow `python -m diorama`, or those of `tuned.program`."""
    log_offset = command.log_path.stat().st_size if command.log_path.exists() else 0
    return ServerProcess(command, cast("subprocess.Popen[bytes]", Forked(command)), log_offset)


def run_program(command: ServerCommand) -> tuple[int, str]:
    """Run a command of the program to its end; return its exit status and what it printed."""
    process = start_program(command)
    status = process.wait_until(process.exit_status, scaled(60.0))
    return status.code, process.output()


class Forked:
    """A forked process with those methods of a `Popen` that `ServerProcess` calls."""

    def __init__(self, command: ServerCommand) -> None:
        command.log_path.touch()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        _, how, which, *arguments = [str(each) for each in command.argv]
        given = (
            None if how == "-m" else which,
            arguments,
            dict(command.env or os.environ),
            command.log_path,
            command.cwd or Path.cwd(),
        )
        self._process = context.Process(target=_run, args=given, daemon=True)
        self._process.start()
        self.pid = self._process.pid or 0
        # It is ended by ending its process group, which it creates first of all.
        eventually(lambda: self.poll() is not None or os.getpgid(self.pid) == self.pid, every_s=0.002)

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises TimeoutExpired."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("diorama", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal. Harmless when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _run(
    tuning: str | None, arguments: list[str], environment: dict[str, str], log_path: Path, directory: Path
) -> None:
    """Become the program, in its own process group and with all of its output in the log."""
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for written in (1, 2):
        os.dup2(log, written)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["diorama", *arguments]
    from diorama.cli import main

    if tuning is not None:
        use(tuning)
    main()
