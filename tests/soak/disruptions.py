"""The trouble: what is killed, cut and restarted, and how the provider misbehaves."""

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

# What the provider does, each with its probability a request.
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


# As often as a supervisor would have to start a worker until Postgres is back.
_STARTS_MAX = 20


class Trouble:
    """Makes trouble from a thread of its own, `every_s` seconds on the average, until it is told to stop."""

    def __init__(
        self, system: System, postgres: EmbeddedPostgres, *, every_s: float, restart_s: tuple[float, float]
    ) -> None:
        self.made: Counter[str] = Counter()
        self._site = system
        self._postgres = postgres
        self._every_s = every_s
        self._restart_s = restart_s
        self._rng = random.Random(1)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._harass, self._restart)]

    def start(self) -> None:
        """Begin."""
        for rule in FAULTS:
            self._site.fault(**rule)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all trouble, wake what was frozen and keep the workers that run."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(scaled(60))
        for worker in self._site.processes.workers:
            worker.signal(signal.SIGCONT)
        self._site.control.calm()

    def _harass(self) -> None:
        acts: list[Callable[[], None]] = []
        while not self._stopping.wait(self._every_s * self._rng.uniform(0.5, 1.5)):
            # Each kind has had its turn before any comes again, so that a short run has all of them.
            acts = acts or self._rng.sample(self._kinds, len(self._kinds))
            act = acts.pop()
            act()
            self.made[act.__name__.strip("_")] += 1

    @property
    def _kinds(self) -> list[Callable[[], None]]:
        return [self._kill, self._kill, self._freeze, self._cut, self._stop_gently]

    def _restart(self) -> None:
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
        """End the worker that has run the longest, and start others until one is up: Postgres may just be away."""
        for worker in self._site.processes.running_workers[:1]:
            end(worker)
        for _ in range(_STARTS_MAX):
            with suppress(ServerFailed):
                self._site.start_worker(None, 30.0)
                return

    def _freeze(self) -> None:
        """Longer than its lease lasts."""
        for worker in (
            self._rng.sample(self._site.processes.running_workers, 1) if self._site.processes.running_workers else ()
        ):
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
