"""Whole workers in this process, over a real Postgres, with a provider and a store that behave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from db.connection import DatabaseSettings, connect_worker
from jobs.engine.lease_times import Leases
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.providers.inputs import PictureInputs
from jobs.providers.limited import LimitedProvider
from jobs.providers.limiter import Limiter, NoLimiter, SharedLimiter
from jobs.steps.by_state import Steps, steps_of
from jobs.steps.result import Work
from jobs.steps.runtime import Runtime
from jobs.tracking.durations import Durations
from jobs.tracking.poll_schedule import PollSchedule
from jobs.worker.process import Engines, WorkerProcess
from statemachine.vocabulary import State
from tests.support.eventually import eventually
from tests.support.fakes import FakeProvider, MemoryStore


@dataclass
class LocalWorkers:
    """A database and what the workers on it share."""

    url: str
    engine: Engine
    provider: FakeProvider = field(default_factory=FakeProvider)
    store: MemoryStore = field(default_factory=MemoryStore)
    lease: timedelta = timedelta(seconds=30)
    is_limited: bool = False
    durations: Durations = field(default_factory=Durations)

    @contextmanager
    def worker(
        self, *, threads: int = 4, steps: Callable[[Runtime], Steps] = steps_of, name: str = "lab-worker"
    ) -> Iterator[WorkerProcess]:
        """Run a worker."""
        engine = connect_worker(DatabaseSettings(self.url, pool_size=threads + 8), name=name)
        listen_url = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)

        def build(recorder: Recorder, renewer: Renewer) -> Runtime:
            return self._runtime(engine, recorder, renewer)

        with WorkerProcess(Engines(engine, listen_url), build, name=name, threads=threads, steps_of=steps) as worker:
            yield worker
        engine.dispose()

    def count(self, condition: str = "true") -> int:
        """Return how many jobs there are of a kind; -1 while the database is away."""
        try:
            with self.engine.connect() as conn:
                return int(conn.scalar(text(f"SELECT count(*) FROM jobs WHERE {condition}")) or 0)
        except SQLAlchemyError:
            return -1

    def wait_for(self, condition: str, number: int, within_s: float = 30.0) -> None:
        """Wait until there are so many jobs of a kind."""
        eventually(lambda: self.count(condition) == number, within_s=within_s)

    def row(self, job_id: UUID) -> Any:
        """Return a job's row."""
        with self.engine.connect() as conn:
            return conn.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job_id}).one()

    def cut(self, name: str = "lab-worker") -> None:
        """End all connections of a worker."""
        with self.engine.begin() as conn:
            conn.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"),
                {"name": name},
            )

    def _runtime(self, engine: Engine, recorder: Recorder, renewer: Renewer) -> Runtime:
        store: Any = self.store
        limiter: Limiter = SharedLimiter(engine) if self.is_limited else NoLimiter()
        provider: Any = LimitedProvider(self.provider, limiter)
        return Runtime(
            engine=engine,
            store=store,
            provider=provider,
            limiter=limiter,
            inputs=PictureInputs(store),
            recorder=recorder,
            renewer=renewer,
            leases=Leases(self.lease, timedelta(0)),
            polling=PollSchedule(least_s=0.0, most_s=0.0),
            durations=self.durations,
            list_settles_after_s=0.0,
            secrets={"openai_api_key": "sk-test"},
        )


def instead(state: State, act: Callable[..., Work | None]) -> Callable[[Runtime], Steps]:
    """Return a function that builds the real steps but for one, which is given the real one."""

    def build(runtime: Runtime) -> Steps:
        steps = steps_of(runtime)
        return {**steps, state: lambda job: act(job, steps[state])}

    return build
