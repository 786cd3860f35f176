"""A lab: workers over a real Postgres that fail at a chosen boundary, and healthy ones that finish their work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.claims import ClaimedJob
from db.engine import DatabaseSettings, connect_worker
from db.moves import Move, Moved, Recorded
from jobs.advance import advance
from jobs.broker import RowBroker
from jobs.elapsed import Instant, this_instant
from jobs.hints import Hinter
from jobs.leases import Renewer
from jobs.media import ImageFacts, VideoFacts
from jobs.providers import failures
from jobs.providers.inputs import PictureInputs
from jobs.providers.provider import Prediction, ProviderTrouble, Sought, Submission
from jobs.recorder import Recorder, Then
from jobs.runtime import Leases, Runtime
from jobs.watching.looking import PollSettings
from statemachine.backoff import RetryPolicy
from statemachine.outcomes import OutcomeLost
from statemachine.states import Event, State, Step
from tests.clock import move_clock
from tests.crashes.fakes import FakeProvider, MemoryStore
from tests.crashes.points import Fault

_STEP_NAMES = {
    State.WAITING: "submit",
    State.QUEUED: "submit",
    State.SUBMITTING: "submit",
    State.RECONCILING: "reconcile",
    State.GENERATING: "poll",
    State.STORING: "store",
    State.TRANSCODING: "transcode",
    State.COMPENSATING: "compensate",
}
_ROUNDS_MAX = 60


class Killed(BaseException):
    """The worker is no more. No exception of the program's own, so nothing in it takes it for one."""


class Trap:
    """Does one thing at one boundary, the first time that a worker reaches it."""

    def __init__(self, point: str | None = None, fault: Fault | None = None) -> None:
        self.point = point
        self.fault = fault
        self.reached = threading.Event()
        self.thawed = threading.Event()
        self.cut: Callable[[], None] = lambda: None
        self.is_dead = False
        self.at = "submit"
        self.slept_s = 0.0

    def instant(self) -> Instant:
        """Return what the clocks of the worker's machine say, which ran on while it was frozen."""
        now = this_instant()
        return replace(now, monotonic_s=now.monotonic_s + self.slept_s)

    def reach(self, point: str) -> None:
        """Tell that a worker is at a boundary, and do what is to happen there."""
        if self.is_dead:
            raise Killed
        if point == self.point and not self.reached.is_set():
            self._spring()

    def loses(self, point: str) -> bool:
        """Whether the answer of the call that ends at this boundary is lost."""
        lost = point == self.point and self.fault is Fault.ANSWER_LOST and not self.reached.is_set()
        if lost:
            self.reached.set()
        return lost

    def _spring(self) -> None:
        if self.fault is Fault.ANSWER_LOST:
            return
        self.reached.set()
        if self.fault is Fault.FROZEN:
            self.thawed.wait(30)
            self.slept_s = 3600.0
            return
        self.is_dead = self.fault is Fault.KILLED
        self.cut()
        if self.is_dead:
            raise Killed


class LabRecorder(Recorder):
    """The real recorder, with boundaries around its commits; a dead worker's moves are given up."""

    def __init__(self, engine: Engine, hinter: Hinter, trap: Trap) -> None:
        self._trap = trap
        self.label: str | None = None
        super().__init__(engine, hinter)

    def _write(self, group: Any) -> None:
        try:
            super()._write(group)
        except Killed as killed:
            for _, then in group:
                then(None, cast("Exception", killed))

    def _commit(self, moves: Any) -> Recorded:
        begins = moves[0].decision.event is Event.SUBMIT_STARTED
        self.label = "intent" if begins else _STEP_NAMES[moves[0].from_state]
        try:
            return super()._commit(moves)
        finally:
            self.label = None


class LabHinter(Hinter):
    """The real hinter, with boundaries around it."""

    def __init__(self, engine: Engine, trap: Trap) -> None:
        self._trap = trap
        self.recorder: LabRecorder | None = None
        super().__init__(engine)

    def hint(self, steps: Iterable[Step], ids: Iterable[UUID]) -> None:
        label = self.recorder.label if self.recorder else None
        self._trap.reach(f"{label}: before the hint")
        super().hint(steps, ids)
        self._trap.reach(f"{label}: after the hint")


class LabProvider:
    """The fake provider, with boundaries around its calls."""

    def __init__(self, lab: Lab, trap: Trap) -> None:
        self._lab = lab
        self._trap = trap

    @property
    def _inner(self) -> FakeProvider:
        return self._lab.provider

    def submit(self, submission: Submission) -> Any:
        with self._around():
            submission.last_look()
            self._trap.reach("submit: after the last look at its lease")
            # A worker that is frozen here has made its last look: there is no other.
            answer = self._inner.submit(replace(submission, last_look=lambda: None))
        return OutcomeLost("ReadTimeout after sending") if self._trap.loses(self._after) else answer

    def get(self, prediction_id: str) -> Prediction:
        return self._read(lambda: self._inner.get(prediction_id))

    def cancel(self, prediction_id: str) -> Prediction | None:
        return self._read(lambda: self._inner.cancel(prediction_id))

    def now(self) -> datetime:
        return self._inner.now()

    def find(self, sought: Sought) -> str | None:
        return self._read(lambda: self._inner.find(sought))

    def listed(self, after: Any, before: Any = None) -> Iterator[Any]:
        return self._inner.listed(after, before)

    @contextmanager
    def fetch(self, url: str, *, most_bytes: int) -> Iterator[tuple[str, Iterator[bytes]]]:
        self._trap.reach("store: before the output is fetched")
        with self._inner.fetch(url, most_bytes=most_bytes) as (content_type, chunks):
            yield content_type, self._watched(chunks)

    def _watched(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            yield chunk
            self._trap.reach("store: while the output is fetched")
            if self._trap.loses("store: while the output is fetched"):
                raise ProviderTrouble(failures.unreachable(TimeoutError("the rest was lost")))

    @property
    def _after(self) -> str:
        return f"{self._trap.at}: after the provider was called"

    @contextmanager
    def _around(self) -> Iterator[None]:
        self._trap.reach(f"{self._trap.at}: before the provider is called")
        yield
        self._trap.reach(self._after)

    def _read(self, call: Callable[[], Any]) -> Any:
        with self._around():
            answer = call()
        if self._trap.loses(self._after):
            raise ProviderTrouble(failures.unreachable(TimeoutError("the answer was lost")))
        return answer


class LabStore(MemoryStore):
    """The store in memory, with boundaries around its writes. All workers share the objects."""

    def __init__(self, objects: dict[str, bytes], trap: Trap) -> None:
        super().__init__()
        self.objects = objects
        self._trap = trap

    def _put(self, key: str, content: bytes, content_type: str) -> Any:
        self._trap.reach(f"{self._trap.at}: before the object is written")
        stored = super()._put(key, content, content_type)
        self._trap.reach(f"{self._trap.at}: after the object was written")
        return stored

    def download(self, key: str, path: Path, *, max_bytes: int) -> Any:
        self._trap.reach(f"{self._trap.at}: before the source is read")
        return super().download(key, path, max_bytes=max_bytes)

    def delete(self, keys: Iterable[str]) -> int:
        self._trap.reach(f"{self._trap.at}: before the objects are deleted")
        count = super().delete(keys)
        self._trap.reach(f"{self._trap.at}: after the objects were deleted")
        return count


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
            policy=RetryPolicy(),
            instant=trap.instant,
            polling=PollSettings(least_s=0.0, most_s=0.0),
            list_settles_after_s=0.0,
            secrets={"openai_api_key": "sk-test"},
        )
        self._broker = RowBroker(self.engine, worker=name, threads=1, leases=Leases())
        trap.cut = lambda: lab.cut(name)

    def work_once(self) -> int:
        """Claim one due job and advance it by one step; return how many there were, one or none."""
        for step in Step:
            for job in self._claimed(step):
                self._advance(job)
                return 1
        return 0

    def close(self) -> None:
        """Stop the threads and leave the database."""
        self._trap.is_dead = False
        self._trap.point = None
        self.recorder.close()
        self._renewer.close()
        self._hinter.close()
        self.engine.dispose()

    def _claimed(self, step: Step) -> list[ClaimedJob]:
        return self._broker.consume(step)._claim(1)[0]

    def _advance(self, job: ClaimedJob) -> None:
        self._trap.at = _STEP_NAMES[job.state]
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
            advance(job.claim, self.runtime, known=job)
            for future in pending:
                future.result(60)
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


def plain_avatar(source: Path, target: Path) -> ImageFacts:
    """Stand in for the media work, which has tests of its own."""
    content = source.read_bytes()
    target.write_bytes(content)
    return ImageFacts("image/png", 1024, 1024, len(content), "00")


def plain_video(source: Path, target: Path, *, seconds: int, **_: Any) -> VideoFacts:
    """Stand in for a video of so many seconds."""
    content = source.read_bytes()
    target.write_bytes(content)
    return VideoFacts("video/mp4", 1920, 1080, 30 * seconds, 30.0, seconds, "h264", len(content), "00", False)


def without_media_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the transcode step copy what it is given."""
    # The function `transcode` hides its module of the same name.
    step = import_module("jobs.steps.transcode")
    for name in ("normalise_avatar", "normalise_scene", "make_poster"):
        monkeypatch.setattr(step, name, plain_avatar)
    monkeypatch.setattr(step, "normalise_video", plain_video)
