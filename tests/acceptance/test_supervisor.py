"""`diorama worker` with several processes: one that is killed costs the others nothing, and is started again."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from diorama.embedded import ServerCommand, ServerProcess
from tests.acceptance.workers import Site
from tests.eventually import eventually
from tests.invariants import assert_sound


def children_of(pid: int) -> set[int]:
    """Return the processes that a process has started."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
        return {int(child) for child in listed.read().split()}


@pytest.mark.slow
@pytest.mark.thorough
def test_a_killed_process_is_started_again_and_its_siblings_work_on(site: Site) -> None:
    argv = [sys.executable, "-m", "diorama", "worker", "--processes", "2", "--threads", "4"]
    command = ServerCommand("workers", argv, site.directory / "workers.log", env=site.environment, stop_within_s=30.0)
    supervisor = ServerProcess.start(command)
    site.workers.append(supervisor)
    first = eventually(lambda: len(children_of(supervisor.pid)) == 2 and children_of(supervisor.pid))
    jobs = [site.ask_for_avatar(f"avatar-{number}") for number in range(4)]
    site.wait_for(jobs[0], "generating", "storing", "transcoding", "succeeded")
    os.kill(min(first), signal.SIGKILL)
    again = eventually(lambda: len(children_of(supervisor.pid) - {min(first)}) == 2 and children_of(supervisor.pid))
    assert max(first) in again, "its sibling works on"
    for job_id in jobs:
        site.wait_for(job_id, "succeeded")
    assert_sound(site.engine)
    assert "a worker process died; starting another" in supervisor.output()
    supervisor.stop()
    status = supervisor.exit_status()
    assert status is not None
    assert status.code == 0
