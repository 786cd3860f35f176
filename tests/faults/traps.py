"""The parts of a worker that fail at a chosen boundary, and the trap that makes them fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import Engine

from db.elapsed import Instant, this_instant
from db.engine.recording import Recorded
from jobs.engine.hints import Hinter
from jobs.engine.recorder import Recorder
from jobs.providers import failures
from jobs.providers.provider import Prediction, ProviderError, Sought, Submission
from statemachine.outcomes import OutcomeLost
from statemachine.steps import STEP_OF
from statemachine.vocabulary import Event, State, Step
from storage import Content
from tests.faults.points import Fault
from tests.support.eventually import scaled
from tests.support.fakes import FakeProvider, MemoryStore

if TYPE_CHECKING:
    from tests.faults.lab import Lab

T = TypeVar("T")

# The search for a lost submission has boundaries of its own.
STEP_NAMES: dict[State, str] = {**STEP_OF, State.RECONCILING: "reconcile"}


class Killed(BaseException):
    """Stands for the death of the worker. It is no `Exception`, so that no handler of the program catches it."""


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
        """Return the clocks of the worker's machine, which kept running while it was frozen."""
        now = this_instant()
        return now._replace(monotonic_s=now.monotonic_s + self.slept_s)

    def reach(self, point: str) -> None:
        """Report that a worker is at a boundary, and do what the trap does there."""
        if self.is_dead:
            raise Killed
        if point == self.point and not self.reached.is_set():
            self._spring()

    def loses(self, point: str) -> bool:
        """Return whether the response of the call that ends at this boundary is lost."""
        lost = point == self.point and self.fault is Fault.RESPONSE_LOST and not self.reached.is_set()
        if lost:
            self.reached.set()
        return lost

    def _spring(self) -> None:
        if self.fault is Fault.RESPONSE_LOST:
            return
        self.reached.set()
        if self.fault is Fault.FROZEN:
            self.thawed.wait(scaled(30))
            self.slept_s = 3600.0
            return
        self.is_dead = self.fault is Fault.KILLED
        self.cut()
        if self.is_dead:
            raise Killed


class LabRecorder(Recorder):
    """The real recorder, with boundaries around its commits; a dead worker's moves are dropped."""

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
        self.label = "intent" if begins else STEP_NAMES[moves[0].from_state]
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
            submission.final_check()
            self._trap.reach("submit: after the last check of its lease")
            # A worker that is frozen here has made its final check, so the fake provider does not repeat it.
            outcome = self._inner.submit(replace(submission, final_check=lambda: None))
        return OutcomeLost("ReadTimeout after sending") if self._trap.loses(self._after) else outcome

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
            yield content_type, self._with_boundaries(chunks)

    def _with_boundaries(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            yield chunk
            self._trap.reach("store: while the output is fetched")
            if self._trap.loses("store: while the output is fetched"):
                raise ProviderError(failures.unreachable(TimeoutError("the rest was lost")))

    @property
    def _after(self) -> str:
        return f"{self._trap.at}: after the provider was called"

    @contextmanager
    def _around(self) -> Iterator[None]:
        self._trap.reach(f"{self._trap.at}: before the provider is called")
        yield
        self._trap.reach(self._after)

    def _read(self, call: Callable[[], T]) -> T:
        with self._around():
            result = call()
        if self._trap.loses(self._after):
            raise ProviderError(failures.unreachable(TimeoutError("the response was lost")))
        return result


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

    def download(self, key: str, path: Path, *, max_bytes: int, content: Content | None = None) -> Any:
        self._trap.reach(f"{self._trap.at}: before the source is read")
        return super().download(key, path, max_bytes=max_bytes, content=content)

    def delete(self, keys: Iterable[str]) -> int:
        self._trap.reach(f"{self._trap.at}: before the objects are deleted")
        count = super().delete(keys)
        self._trap.reach(f"{self._trap.at}: after the objects were deleted")
        return count
