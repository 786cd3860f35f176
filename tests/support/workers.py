"""Whole workers in this process, on the parts that a test passes, or on a provider and a store in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from db.connection import DatabaseSettings, connect_worker, normalised_url
from jobs.engine.hints import Hinter
from jobs.engine.lease_times import Leases
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.providers.inputs import PictureInputs
from jobs.providers.limited import LimitedProvider
from jobs.providers.limiter import NoLimiter, SharedLimiter
from jobs.steps.by_state import Steps, steps_of
from jobs.steps.result import Work
from jobs.steps.runtime import Runtime
from jobs.tracking.durations import Durations
from jobs.tracking.poll_schedule import PollSchedule
from jobs.upkeep.periodic import PeriodicTask
from jobs.worker.process import Engines, WorkerProcess
from statemachine.vocabulary import State
from tests.support.eventually import eventually
from tests.support.fakes import FakeProvider, MemoryStore
from tests.support.job_reads import JobReads

BuildRuntime = Callable[[Engine, Recorder, Renewer], Runtime]


@contextmanager
def running_worker(
    url: str,
    build_runtime: BuildRuntime,
    *,
    name: str,
    threads: int = 8,
    steps_of: Callable[[Runtime], Steps] = steps_of,
    periodic_tasks_of: Callable[[Runtime, Hinter], Sequence[PeriodicTask]] | None = None,
) -> Iterator[WorkerProcess]:
    """Run a worker in this process for the length of the block, over the database at `url`."""
    engine = connect_worker(DatabaseSettings(url, pool_size=threads + 10), name=name)
    listen_url = normalised_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    worker = WorkerProcess(
        Engines(engine, listen_url),
        partial(build_runtime, engine),
        name=name,
        threads=threads,
        steps_of=steps_of,
        periodic_tasks_of=periodic_tasks_of,
    )
    try:
        with worker:
            yield worker
    finally:
        engine.dispose()


def runtime_without_waits(
    engine: Engine, recorder: Recorder, renewer: Renewer, *, provider: Any, store: Any, **parts: Any
) -> Runtime:
    """Return the parts of a worker that polls without waits; `parts` replaces some of them."""
    usual: dict[str, Any] = {
        "inputs": PictureInputs(store),
        "polling": PollSchedule(least_s=0.0, most_s=0.0),
        "list_settles_after_s": 0.0,
        "secrets": {"openai_api_key": "sk-test"},
    }
    return Runtime(engine=engine, store=store, provider=provider, recorder=recorder, renewer=renewer, **(usual | parts))


@dataclass
class InProcessWorkers(JobReads):
    """A database, a provider and a store in memory, and the workers on them."""

    url: str
    engine: Engine
    provider: FakeProvider = field(default_factory=FakeProvider)
    # The stand-in of test jobs.
    test_provider: FakeProvider = field(default_factory=FakeProvider)
    store: MemoryStore = field(default_factory=MemoryStore)
    lease: timedelta = timedelta(seconds=30)
    is_limited: bool = False
    durations: Durations = field(default_factory=Durations)

    @contextmanager
    def worker(
        self, *, threads: int = 4, steps: Callable[[Runtime], Steps] = steps_of, name: str = "lab-worker"
    ) -> Iterator[WorkerProcess]:
        """Run a worker for the length of the block."""
        with running_worker(self.url, self._runtime, name=name, threads=threads, steps_of=steps) as worker:
            yield worker

    def count(self, condition: str = "true") -> int:
        """Return how many jobs meet a condition, or -1 while the database is down."""
        try:
            return int(self.scalar(f"SELECT count(*) FROM jobs WHERE {condition}") or 0)
        except SQLAlchemyError:
            return -1

    def wait_for_count(self, condition: str, number: int, within_s: float = 30.0) -> None:
        """Wait until this many jobs meet a condition."""
        eventually(lambda: self.count(condition) == number, within_s=within_s)

    def cut(self, name: str = "lab-worker") -> None:
        """End all connections of a worker."""
        with self.engine.begin() as conn:
            conn.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"),
                {"name": name},
            )

    def _runtime(self, engine: Engine, recorder: Recorder, renewer: Renewer) -> Runtime:
        limiter = SharedLimiter(engine) if self.is_limited else NoLimiter()
        provider = LimitedProvider(self.provider, limiter)
        return runtime_without_waits(
            engine,
            recorder,
            renewer,
            provider=provider,
            test_provider=self.test_provider,
            store=self.store,
            limiter=limiter,
            leases=Leases(self.lease, timedelta(0)),
            durations=self.durations,
        )


def instead(state: State, act: Callable[..., Work | None]) -> Callable[[Runtime], Steps]:
    """Return a function that builds the real steps, except for one: `act`, which is passed the real one."""

    def build(runtime: Runtime) -> Steps:
        steps = steps_of(runtime)
        return {**steps, state: lambda job: act(job, steps[state])}

    return build
