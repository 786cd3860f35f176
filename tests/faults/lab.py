"""A lab: workers over a real Postgres that fail at a chosen boundary, and healthy ones that finish their work."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect_worker
from db.engine.claims import ClaimedJob
from jobs.upkeep.orphans import search_orphans
from statemachine.vocabulary import State
from tests.faults.traps import STEP_NAMES, LabHinter, LabProvider, LabRecorder, LabStore, Trap
from tests.support.clock import make_due, move_clock
from tests.support.fakes import FakeProvider
from tests.support.job_reads import JobReads
from tests.support.pictures import objects_of
from tests.support.stepped_worker import SteppedWorker

_ROUNDS_MAX = 60


class LabWorker(SteppedWorker):
    """A worker driven by hand, whose parts step into a trap."""

    recorder: LabRecorder

    def __init__(self, lab: Lab, name: str, trap: Trap) -> None:
        self._trap = trap
        engine = connect_worker(DatabaseSettings(lab.url, pool_size=8), name=name)
        hinter = LabHinter(engine, trap)
        hinter.recorder = LabRecorder(engine, hinter, trap)
        provider, store = LabProvider(lab, trap), LabStore(lab.objects, trap)
        super().__init__(
            engine, hinter, hinter.recorder, name=name, provider=provider, store=store, instant=trap.instant
        )
        self._label_commits()
        trap.cut = lambda: lab.cut(name)

    def advance(self, job: ClaimedJob) -> None:
        """Advance a job by one step, and give the trap the step's name."""
        self._trap.at = STEP_NAMES[job.state]
        super().advance(job)

    def search_orphans(self) -> int:
        """Search for orphans as the periodic task does."""
        return search_orphans(self.engine, self.runtime.provider)

    def close(self) -> None:
        """Stop the threads and leave the database."""
        self._trap.is_dead = False
        self._trap.point = None
        super().close()
        self.engine.dispose()

    def _label_commits(self) -> None:
        dialect: Any = self.engine.dialect
        real = dialect.do_commit

        def commit(connection: Any) -> None:
            label = self._commit_label()
            if label:
                self._trap.reach(f"{label}: before the commit")
            real(connection)
            if label:
                self._trap.reach(f"{label}: after the commit")

        dialect.do_commit = commit

    def _commit_label(self) -> str | None:
        name = threading.current_thread().name
        if name == "recorder":
            return self.recorder.label
        return None if name in ("hinter", "renewer") else "claim"


class Lab(JobReads):
    """A database, a provider and a store that outlive the workers."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.engine = engine
        self.url = url
        self.provider = FakeProvider()
        self.objects: dict[str, bytes] = {}
        self._names = 0
        self._ahead = timedelta(0)
        self._healthy: LabWorker | None = None

    def worker(self, trap: Trap | None = None) -> LabWorker:
        """Return a new worker."""
        self._names += 1
        return LabWorker(self, f"lab-{self._names}", trap or Trap())

    @property
    def healthy(self) -> LabWorker:
        """A worker that nothing happens to, the same each time."""
        if self._healthy is None:
            self._healthy = self.worker()
        return self._healthy

    def renew(self) -> None:
        """Begin with another provider and an empty store, now; what a failed test has left is out of the way."""
        self.provider = FakeProvider()
        self.objects.clear()
        with self.engine.begin() as conn:
            conn.execute(text("UPDATE jobs SET due_at = '9999-01-01' WHERE finished_at IS NULL"))
            conn.execute(text("DELETE FROM paused_steps"))
        if self._ahead:
            self.move_clock(-self._ahead)

    def close(self) -> None:
        """Stop the healthy worker."""
        if self._healthy is not None:
            self._healthy.close()

    def names_of_objects(self, job_id: UUID) -> list[str]:
        """Return the names of the objects that a job has left."""
        return objects_of(LabStore(self.objects, Trap()), job_id)

    def tokens(self, job_id: UUID) -> list[UUID]:
        """Return the tokens of a job's submissions."""
        return [row.token for row in self.attempts(job_id)]

    def let_time_pass(self) -> None:
        """End every lease, and make everything due."""
        make_due(self.engine)

    def move_clock(self, by: timedelta) -> None:
        """Move the database's clock further ahead, for every connection; no worker may be active meanwhile."""
        self._ahead += by
        move_clock(self.engine, self._ahead)
        self.provider.ahead = self._ahead
        self.healthy.engine.dispose()

    def drive(self, job_id: UUID, *states: State) -> None:
        """Have the healthy worker work until the job is in one of these states."""
        for _ in range(_ROUNDS_MAX):
            if self.state(job_id) in states:
                return
            self.let_time_pass()
            self.healthy.work_once()
        raise AssertionError(f"job {job_id} is still {self.state(job_id)}: {self.events(job_id)}")

    def cut(self, name: str) -> None:
        """End a worker's connections, as a crash, a failover or an operator does."""
        with suppress(Exception), self.engine.begin() as conn:
            conn.execute(
                text("SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE application_name = :name"),
                {"name": name},
            )
