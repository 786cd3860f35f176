"""One process runs each periodic task, and a long task does not delay those of another lock."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from sqlalchemy import Engine

from jobs.upkeep.periodic import HOUSEKEEPING, TRACKING, PeriodicRunner, PeriodicTask, by_lock
from tests.support.eventually import eventually, scaled


def test_a_long_task_does_not_delay_those_of_another_lock(engine: Engine) -> None:
    over, made = threading.Event(), threading.Semaphore(0)
    tasks = [
        PeriodicTask("long", 0.01, lambda: over.wait(scaled(20))),
        PeriodicTask("short", 0.01, made.release, TRACKING),
    ]
    running = [PeriodicRunner(engine, group) for group in by_lock(tasks)]
    try:
        assert all(made.acquire(timeout=scaled(20)) for _ in range(3))
        assert not over.is_set()
    finally:
        over.set()
        for each in running:
            each.close()


def test_one_of_several_processes_runs_the_tasks_until_it_ends(engine: Engine) -> None:
    by_first, by_second = threading.Event(), threading.Event()
    first = PeriodicRunner(engine, [PeriodicTask("it", 0.01, by_first.set)])
    assert by_first.wait(scaled(20))
    second = PeriodicRunner(engine, [PeriodicTask("it", 0.01, by_second.set)])
    by_first.clear()
    assert by_first.wait(scaled(20))
    assert not by_second.is_set()
    first.close()
    eventually(by_second.is_set)
    second.close()


# Runs a task until its standard input is closed, and prints the time of each run.
RUN_TASKS = """
import sys, time
from db.connection import DatabaseSettings, connect
from jobs.upkeep.periodic import PeriodicTask, PeriodicRunner

engine = connect(DatabaseSettings(sys.argv[1], pool_size=2), name="frozen")
task = PeriodicTask("it", 0.01, lambda: print("ran at", time.monotonic(), flush=True))
tasks = PeriodicRunner(engine, [task], lease_s=2.0)
sys.stdin.read()
tasks.close()
"""


def test_a_stopped_process_loses_the_leader_lock_and_starts_no_task_when_it_comes_back(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    output_file = tmp_path / "output"
    command = [sys.executable, "-c", RUN_TASKS, database_url]
    with output_file.open("w") as output, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output) as frozen:
        try:
            eventually(lambda: "ran at" in output_file.read_text())
            frozen.send_signal(signal.SIGSTOP)
            by_second: list[float] = []
            second = PeriodicRunner(engine, [PeriodicTask("it", 0.01, lambda: by_second.append(time.monotonic()))])
            eventually(lambda: by_second)
            frozen.send_signal(signal.SIGCONT)
            eventually(lambda: "lost the leader lock of the periodic tasks" in output_file.read_text())
            second.close()
            frozen.communicate()
        finally:
            frozen.kill()
    ran_at = [float(line.split()[-1]) for line in output_file.read_text().splitlines() if line.startswith("ran at")]
    # At most the run in which it was stopped.
    assert sum(at > by_second[0] for at in ran_at) <= 1


def test_tasks_are_grouped_by_lock() -> None:
    purge, watch, tidy = (PeriodicTask(name, 1.0, list, lock) for name, lock in (("s", 1), ("w", 2), ("t", 1)))
    assert by_lock([purge, watch, tidy]) == [[purge, tidy], [watch]]
    assert HOUSEKEEPING != TRACKING
