"""`diorama worker` with several processes: a killed process is restarted and does not affect the others.

Processes end with their supervisor, but a worker does not end with the shell that started it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from diorama.embedded import ServerCommand, ServerProcess
from tests.support.eventually import eventually
from tests.support.invariants import assert_sound
from tests.support.system import System


def children_of(pid: int) -> set[int]:
    """Return the child processes of a process."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
        return {int(child) for child in listed.read().split()}


@pytest.mark.system
def test_a_worker_outlives_the_shell_that_started_it(system: System, tmp_path: Path) -> None:
    hearts, log = tmp_path / "hearts", tmp_path / "worker.log"
    background = f"{sys.executable} -m diorama worker --threads 2 > {log} 2>&1 & echo $!"
    environment = {**system.processes.environment, "HEARTBEAT_DIR": str(hearts)}
    pid = int(subprocess.run(["sh", "-c", background], env=environment, capture_output=True, check=True).stdout)
    try:
        system.wait_for(system.ask_for_avatar(), "succeeded")
        assert [file.name for file in hearts.iterdir()] == [str(pid)]
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not list(hearts.iterdir()))
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.thorough
def test_processes_end_gracefully_when_their_supervisor_is_killed(system: System, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "diorama", "worker", "--processes", "2", "--threads", "2"]
    environment = {**system.processes.environment, "HEARTBEAT_DIR": str(tmp_path)}
    supervisor = ServerProcess.start(
        ServerCommand("workers", argv, system.processes.directory / "workers.log", env=environment)
    )
    system.processes.workers.append(supervisor)
    eventually(lambda: len(list(tmp_path.glob("[0-9]*"))) == 2, within_s=60)
    os.kill(supervisor.pid, signal.SIGKILL)
    eventually(lambda: not list(tmp_path.glob("[0-9]*")))
    assert supervisor.output().count("stopping") == 2


@pytest.mark.thorough
def test_a_killed_process_is_restarted_and_its_siblings_work_on(system: System) -> None:
    argv = [sys.executable, "-m", "diorama", "worker", "--processes", "2", "--threads", "4"]
    command = ServerCommand(
        "workers",
        argv,
        system.processes.directory / "workers.log",
        env=system.processes.environment,
        stop_within_s=30.0,
    )
    supervisor = ServerProcess.start(command)
    system.processes.workers.append(supervisor)
    first = eventually(lambda: len(children_of(supervisor.pid)) == 2 and children_of(supervisor.pid))
    jobs = [system.ask_for_avatar(f"avatar-{number}") for number in range(4)]
    system.wait_for(jobs[0], "generating", "storing", "transcoding", "succeeded")
    os.kill(min(first), signal.SIGKILL)
    again = eventually(lambda: len(children_of(supervisor.pid) - {min(first)}) == 2 and children_of(supervisor.pid))
    assert max(first) in again, "its sibling works on"
    for job_id in jobs:
        system.wait_for(job_id, "succeeded")
    assert_sound(system.engine)
    assert "a worker process died; starting another" in supervisor.output()
    supervisor.stop()
    status = supervisor.exit_status()
    assert status is not None
    assert status.code == 0
