"""Real processes of the program, for tests that kill, freeze and stop them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from diorama.embedded import ServerCommand, ServerProcess
from diorama.tuning import Tuning
from tests.support.eventually import scaled
from tests.support.forked import run_program, start_program
from tests.support.tuned import QUICK, program


@dataclass
class Processes:
    """Worker and API processes with one environment, whose logs are in one directory."""

    environment: dict[str, str]
    directory: Path
    tuning: Tuning = QUICK
    workers: list[ServerProcess] = field(default_factory=list)
    others: list[ServerProcess] = field(default_factory=list)
    start: Callable[[ServerCommand], ServerProcess] = start_program
    """The way to start processes: by default they are forked, which is faster than starting an interpreter."""

    def start_worker(
        self, tuning: Tuning | None = None, within_s: float | None = None, /, **environment: str
    ) -> ServerProcess:
        """Start a worker process and wait until it works; `tuning` has its constants, by default those of all.

        Raises ServerFailed if it does not work within `within_s` seconds.
        """
        log_path = self.directory / f"worker-{len(self.workers)}.log"
        command = ServerCommand(
            name="worker",
            argv=[*program(tuning or self.tuning), "worker", "--processes", "1", "--threads", "8"],
            log_path=log_path,
            env={**self.environment, **environment},
            stop_within_s=30.0,
        )
        worker = self.start(command)
        self.workers.append(worker)
        worker.wait_until(lambda: b'"worker"' in log_path.read_bytes(), within_s or scaled(20.0))
        return worker

    @property
    def running_workers(self) -> list[ServerProcess]:
        """Return the workers that run."""
        return [worker for worker in self.workers if worker.is_running]

    def start_api(self) -> str:
        """Start an API process and return its address."""
        log_path = self.directory / "api.log"
        argv = [sys.executable, "-m", "diorama", "serve", "--port", "0"]
        api = start_program(ServerCommand(name="API", argv=argv, log_path=log_path, env=self.environment))
        self.others.append(api)
        return str(api.wait_until(lambda: _announced(log_path), scaled(30.0)))

    def run(self, *command: str, **environment: str) -> tuple[int, str]:
        """Run a command of the program to its end; return its exit status and what it printed."""
        log_path = self.directory / f"{command[0]}.log"
        argv = [sys.executable, "-m", "diorama", *command]
        env = {**self.environment, **environment}
        return run_program(ServerCommand(name=command[0], argv=argv, log_path=log_path, env=env))

    def kill_all(self) -> None:
        """Kill every process that was started."""
        for process in (*self.workers, *self.others):
            process.kill()


def _announced(log_path: Path) -> str | None:
    """Return the address at which the API says it listens, if it has."""
    for line in log_path.read_bytes().splitlines():
        if line.startswith(b'{"api"'):
            return str(json.loads(line)["api"])
    return None
