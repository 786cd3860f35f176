"""The disruptions: workers are killed and frozen, connections cut, Postgres restarted, and the provider misbehaves."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from diorama.embedded import EmbeddedPostgres, ServerFailed, ServerProcess
from tests.support.eventually import scaled
from tests.support.system import System

# The faults of the provider, each with its probability for a request.
FAULTS: tuple[dict[str, Any], ...] = (
    {"action": "hang_after_accept", "operation": "predictions.create", "probability": 0.02},
    {"action": "reset_after_accept", "operation": "predictions.create", "probability": 0.03},
    {"action": "error_after_accept", "operation": "predictions.create", "probability": 0.03},
    {"action": "reset_before_accept", "operation": "predictions.create", "probability": 0.03},
    {"action": "throttle", "operation": "predictions.create", "probability": 0.05},
    {"action": "server_error", "operation": "predictions.get", "probability": 0.03},
    {"action": "cut_body", "operation": "predictions.get", "probability": 0.02},
    {"action": "fail", "options": {"code": "E9828"}, "probability": 0.03},
    {"action": "fail", "options": {"code": "E005"}, "probability": 0.02},
    {"action": "lose_file", "probability": 0.02},
    {"action": "truncate_file", "probability": 0.02},
    {"action": "cut_body", "listener": "delivery", "probability": 0.03},
)


# The most starts that a supervisor would need until Postgres is back.
_STARTS_MAX = 20


class Disruptions:
    """Disrupts the system from threads of its own, every `every_s` seconds on average, until it is stopped."""

    def __init__(
        self, system: System, postgres: EmbeddedPostgres, *, every_s: float, restart_s: tuple[float, float]
    ) -> None:
        self.made: Counter[str] = Counter()
        self._system = system
        self._postgres = postgres
        self._every_s = every_s
        self._restart_s = restart_s
        self._rng = random.Random(1)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=run, daemon=True) for run in (self._disrupt_workers, self._restart_postgres)
        ]

    def start(self) -> None:
        """Start the faults and the threads."""
        for rule in FAULTS:
            self._system.fault(**rule)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all disruptions and thaw frozen workers; running workers keep running."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(scaled(60))
        for worker in self._system.processes.workers:
            worker.signal(signal.SIGCONT)
        self._system.control.calm()

    def _disrupt_workers(self) -> None:
        acts: list[Callable[[], None]] = []
        while not self._stopping.wait(self._every_s * self._rng.uniform(0.5, 1.5)):
            # Every kind happens once before any is repeated, so that a short run has all of them.
            acts = acts or self._rng.sample(self._kinds, len(self._kinds))
            act = acts.pop()
            act()
            self.made[act.__name__.strip("_")] += 1

    @property
    def _kinds(self) -> list[Callable[[], None]]:
        return [self._kill, self._kill, self._freeze, self._cut, self._stop_gently]

    def _restart_postgres(self) -> None:
        while not self._stopping.wait(self._rng.uniform(*self._restart_s)):
            if self._rng.random() < 0.5:
                self._postgres.kill()
                self.made["crash of postgres"] += 1
            self._postgres.restart()
            self.made["restart of postgres"] += 1

    def _kill(self) -> None:
        self._replace(lambda worker: worker.kill())

    def _stop_gently(self) -> None:
        self._replace(lambda worker: worker.stop())

    def _replace(self, end: Callable[[ServerProcess], None]) -> None:
        """End the worker that has run the longest, and try to start another until one is up: Postgres may be down."""
        for worker in self._system.processes.running_workers[:1]:
            end(worker)
        for _ in range(_STARTS_MAX):
            with suppress(ServerFailed):
                self._system.start_worker(None, 30.0)
                return

    def _freeze(self) -> None:
        """Freeze a worker for longer than its lease."""
        running = self._system.processes.running_workers
        for worker in self._rng.sample(running, min(1, len(running))):
            worker.signal(signal.SIGSTOP)
            self._stopping.wait(3.0)
            worker.signal(signal.SIGCONT)

    def _cut(self) -> None:
        address = self._postgres.url.replace("+psycopg", "")
        with suppress(psycopg.Error), psycopg.connect(address, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'diorama%' AND random() < 0.5"
            )
