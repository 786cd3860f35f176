"""A lab: workers over a real Postgres that fail at a chosen boundary, and healthy ones that finish their work."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect_worker
from db.engine.claims import ClaimedJob
from db.engine.recording import Move, Moved
from jobs.engine.lease_times import Leases
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Then
from jobs.providers.inputs import PictureInputs
from jobs.steps.by_state import steps_of
from jobs.steps.runtime import Runtime
from jobs.tracking.poll_schedule import PollSchedule
from jobs.upkeep.orphans import search_orphans
from jobs.worker.advance import AdvanceParts, advance
from jobs.worker.broker import RowBroker
from jobs.worker.handover import NoHandover
from statemachine.backoff import JobPolicy
from statemachine.vocabulary import State, Step
from tests.faults.traps import STEP_NAMES, LabHinter, LabProvider, LabRecorder, LabStore, Trap
from tests.support.clock import move_clock
from tests.support.eventually import scaled
from tests.support.fakes import FakeProvider

_ROUNDS_MAX = 60


class LabWorker:
    """What a worker process is made of, driven by hand: one claim, one step."""

    def __init__(self, lab: Lab, name: str, trap: Trap) -> None:
        self.name = name
        self._trap = trap
        self.engine = connect_worker(DatabaseSettings(lab.url, pool_size=8), name=name)
        self._label_commits()
        hinter = LabHinter(self.engine, trap)
        self.recorder = hinter.recorder = LabRecorder(self.engine, hinter, trap)
        self._hinter, self._renewer = hinter, Renewer(self.engine)
        store = LabStore(lab.objects, trap)
        self.runtime = Runtime(
            engine=self.engine,
            store=store,  # type: ignore[arg-type]
            provider=LabProvider(lab, trap),  # type: ignore[arg-type]
            inputs=PictureInputs(store),  # type: ignore[arg-type]
            recorder=self.recorder,
            renewer=self._renewer,
            policy=JobPolicy(),
            instant=trap.instant,
            polling=PollSchedule(least_s=0.0, most_s=0.0),
            list_settles_after_s=0.0,
            secrets={"openai_api_key": "sk-test"},
        )
        self._parts = AdvanceParts.of(self.runtime, steps_of(self.runtime), NoHandover())
        self._broker = RowBroker(self.engine, worker=name, threads=1, leases=Leases())
        trap.cut = lambda: lab.cut(name)

    def work_once(self) -> int:
        """Claim one due job and advance it by one step; return how many there were, one or none."""
        for step in Step:
            for job in self._claimed(step):
                self._advance(job)
                return 1
        return 0

    def search_orphans(self) -> int:
        """Search for orphans as the periodic task does."""
        return search_orphans(self.engine, self.runtime.provider)

    def close(self) -> None:
        """Stop the threads and leave the database."""
        self._trap.is_dead = False
        self._trap.point = None
        self.recorder.close()
        self._renewer.close()
        self._hinter.close()
        self.engine.dispose()

    def _claimed(self, step: Step) -> list[ClaimedJob]:
        return self._broker.consume(step).claiming.claim(1)[0]

    def _advance(self, job: ClaimedJob) -> None:
        self._trap.at = STEP_NAMES[job.state]
        pending: list[Future[Moved | None]] = []
        record = self.recorder.record

        def remembered(move: Move, then: Then = lambda moved, error: None) -> None:
            told: Future[Moved | None] = Future()
            pending.append(told)

            def also(moved: Moved | None, error: Exception | None) -> None:
                then(moved, error)
                told.set_exception(error) if error else told.set_result(moved)

            record(move, also)

        self.recorder.record = remembered  # type: ignore[method-assign]
        try:
            advance(job.claim, self._parts, known=job)
            for future in pending:
                future.result(scaled(60))
        finally:
            self.recorder.record = record  # type: ignore[method-assign]

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


class Lab:
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

    def state(self, job_id: UUID) -> State:
        """Return where a job stands."""
        return State(self.row(job_id).state)

    def row(self, job_id: UUID) -> Any:
        """Return a job's row."""
        with self.engine.connect() as conn:
            return conn.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job_id}).one()

    def events(self, job_id: UUID) -> list[str]:
        """Return the events of a job, first to last."""
        with self.engine.connect() as conn:
            found = conn.scalars(text("SELECT event FROM job_events WHERE job_id = :id ORDER BY seq"), {"id": job_id})
            return list(found)

    def names_of_objects(self, job_id: UUID) -> list[str]:
        """Return the names of the objects that a job has left."""
        prefix = f"jobs/{job_id}/"
        return sorted(key.removeprefix(prefix) for key in self.objects if key.startswith(prefix))

    def tokens(self, job_id: UUID) -> list[UUID]:
        """Return the tokens of a job's submissions."""
        with self.engine.connect() as conn:
            return list(conn.scalars(text("SELECT token FROM attempts WHERE job_id = :id"), {"id": job_id}))

    def let_time_pass(self) -> None:
        """End every lease, and make everything due."""
        with self.engine.begin() as conn:
            conn.execute(
                text(
                    "UPDATE jobs SET due_at = least(due_at, diorama_now()), lease_expires_at = "
                    "CASE WHEN lease_expires_at IS NOT NULL THEN diorama_now() - interval '1 second' END "
                    "WHERE finished_at IS NULL AND state <> 'waiting' AND due_at < '9000-01-01'"
                )
            )

    def move_clock(self, by: timedelta) -> None:
        """Have the database's clock run ahead by so much more, for everyone; nobody may be at work meanwhile."""
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
