"""Rules of child processes, tested with shell scripts."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol

import pytest

from diorama.embedded import ServerCommand, ServerFailed, ServerProcess
from diorama.embedded.account import Account
from diorama.embedded.errors import TAIL_LINES, tail
from diorama.embedded.process import run_to_end
from tests.diorama.embedded.living import runs
from tests.support.eventually import eventually

SHELL = "/bin/sh"


class Start(Protocol):
    def __call__(self, script: str, *, stop_within_s: float = 5.0) -> ServerProcess: ...


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def start(log_path: Path) -> Iterator[Start]:
    """A function that runs a shell script as a server."""
    with ExitStack() as running:

        def run(script: str, *, stop_within_s: float = 5.0) -> ServerProcess:
            process = ServerProcess.start(command(script, log_path, stop_within_s))
            running.callback(process.kill)
            return process

        yield run


def command(script: str, log_path: Path, stop_within_s: float = 5.0) -> ServerCommand:
    return ServerCommand("The shell", [SHELL, "-c", script], log_path, stop_within_s=stop_within_s)


def says(process: ServerProcess, word: str) -> None:
    process.wait_until(lambda: word in process.output(), 10)


def test_a_server_is_ready_when_the_probe_says_so(start: Start) -> None:
    process = start("echo ready; exec sleep 100")
    assert process.wait_until(lambda: process.output().strip(), 10) == "ready"


def test_a_server_that_ends_before_it_is_ready_fails_with_its_last_log_lines(start: Start) -> None:
    process = start("echo the disk is full; exit 3")
    with pytest.raises(
        ServerFailed, match=r"The shell ended with exit status 3 before it was ready(?s:.*)disk is full"
    ):
        process.wait_until(lambda: None, 10)


def test_a_server_that_is_never_ready_fails_in_the_end(start: Start) -> None:
    with pytest.raises(ServerFailed, match=r"was not ready after 0\.05 s"):
        start("exec sleep 100").wait_until(lambda: None, 0.05)


def test_a_server_is_asked_to_stop_before_it_is_killed(start: Start) -> None:
    process = start("trap 'echo goodbye; exit 0' TERM; echo ready; while :; do sleep 0.01; done")
    says(process, "ready")
    process.stop()
    assert "goodbye" in process.output()


def test_a_server_that_does_not_stop_is_killed(start: Start) -> None:
    process = start("trap '' TERM; echo ready; while :; do sleep 0.01; done", stop_within_s=0.1)
    says(process, "ready")
    process.stop()
    assert not process.is_running


def test_killing_a_server_kills_what_it_started(start: Start) -> None:
    """By then the helper has no parent, and the init process may reap it late: a zombie counts as ended."""
    process = start("sleep 100 & echo $!; wait")
    helper = int(process.wait_until(lambda: process.output().strip(), 10))
    process.kill()
    assert eventually(lambda: not runs(helper))


def test_a_server_outlives_the_thread_that_started_it(start: Start) -> None:
    """The kernel's parent-death signal is for threads, so the thread that requests a server must not start it."""
    started: list[ServerProcess] = []

    def start_and_end() -> None:
        started.append(start("trap 'echo alive' USR1; echo ready; while :; do sleep 0.01; done"))
        says(started[0], "ready")

    thread = threading.Thread(target=start_and_end)
    thread.start()
    thread.join()
    assert eventually(lambda: not Path(f"/proc/self/task/{thread.native_id}").exists())
    started[0].signal(signal.SIGUSR1)
    says(started[0], "alive")


def test_a_missing_program_is_named(start: Start, log_path: Path) -> None:
    process = ServerProcess.start(ServerCommand("Nothing", ["/no/such/program"], log_path))
    with pytest.raises(ServerFailed, match="cannot run /no/such/program as ourselves: No such file"):
        process.wait_until(lambda: None, 10)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may become any user")
def test_an_account_that_we_may_not_switch_to_is_named(log_path: Path) -> None:
    process = ServerProcess.start(ServerCommand("Nothing", [SHELL], log_path, account=Account(54321, 54321)))
    with pytest.raises(ServerFailed, match="as the user 54321: Operation not permitted"):
        process.wait_until(lambda: None, 10)


def test_a_command_that_fails_says_which_one_and_why(log_path: Path) -> None:
    with pytest.raises(ServerFailed, match=r"sh ended with status 4(?s:.*)no room"):
        run_to_end(command("echo no room; exit 4", log_path), within_s=10)


def test_a_command_that_takes_too_long_is_ended(log_path: Path) -> None:
    with pytest.raises(ServerFailed, match="was not ready after"):
        run_to_end(command(f"sleep 100; echo {log_path}", log_path), within_s=0.2)
    assert eventually(lambda: not any(str(log_path) in line for line in command_lines()))


def command_lines() -> Iterator[str]:
    """Yield the command line of every process on this machine, except our own."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        if entry.parent.name != str(os.getpid()):
            with suppress(FileNotFoundError, ProcessLookupError):
                yield entry.read_text(errors="replace")


def test_the_last_log_lines_are_few_and_only_of_this_run(log_path: Path) -> None:
    log_path.write_text("earlier\n" + "".join(f"line {number}\n" for number in range(100)))
    assert tail(log_path, run_offset=len("earlier\n")).splitlines() == [
        f"line {number}" for number in range(100 - TAIL_LINES, 100)
    ]
    assert tail(log_path, run_offset=log_path.stat().st_size) == ""
