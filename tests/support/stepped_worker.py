"""A worker that a test drives by hand: it claims one job, does one step, and returns when that is recorded."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import Engine

from db.engine.claims import ClaimedJob
from db.engine.recording import Move, Moved
from jobs.engine.hints import Hinter
from jobs.engine.lease_times import Leases
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder, Then
from jobs.providers.limiter import NoLimiter
from jobs.steps.by_state import steps_of
from jobs.worker.advance import AdvanceParts, advance
from jobs.worker.claiming import Claiming
from jobs.worker.handover import NoHandover
from statemachine.steps import LANES, Lane
from tests.support.eventually import scaled
from tests.support.workers import runtime_without_waits


class SteppedWorker:
    """The parts of a worker process, without the threads that run steps.

    `provider` and `store` are what its steps work on; `parts` are others of `Runtime`.
    """

    def __init__(
        self, engine: Engine, hinter: Hinter, recorder: Recorder, *, name: str, provider: Any, store: Any, **parts: Any
    ) -> None:
        self.engine, self.hinter, self.recorder, self.name = engine, hinter, recorder, name
        self.renewer = Renewer(engine)
        self.runtime = runtime_without_waits(engine, recorder, self.renewer, provider=provider, store=store, **parts)
        self._leases = Leases()
        self._parts = AdvanceParts.of(self.runtime, steps_of(self.runtime), NoHandover())

    @classmethod
    def on(cls, engine: Engine, *, provider: Any, store: Any, **parts: Any) -> SteppedWorker:
        """Return a worker with a recorder and a hinter of its own."""
        hinter = Hinter(engine)
        return cls(engine, hinter, Recorder(engine, hinter), name="stepped", provider=provider, store=store, **parts)

    def work_once(self) -> int:
        """Claim one due job and advance it by one step; return how many there were, one or none."""
        for lane in LANES:
            for job in self._claim(lane):
                self.advance(job)
                return 1
        return 0

    def advance(self, job: ClaimedJob) -> None:
        """Advance a claimed job by one step, and wait until its moves are recorded.

        Raises the error of a move that could not be recorded.
        """
        recorder = _AwaitedRecorder(self.recorder)
        advance(job.claim, replace(self._parts, recorder=cast("Recorder", recorder)), known=job)
        recorder.wait()

    def close(self) -> None:
        """Stop the threads."""
        self.recorder.close()
        self.renewer.close()
        self.hinter.close()

    def _claim(self, lane: Lane) -> list[ClaimedJob]:
        claiming = Claiming(self.engine, lane, worker=self.name, leases=self._leases, limiter=NoLimiter())
        return claiming.claim(1)[0]


class _AwaitedRecorder:
    """Passes moves on to a recorder, and waits for them."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._results: list[Future[Moved | None]] = []

    def record(self, move: Move, then: Then) -> None:
        result: Future[Moved | None] = Future()
        self._results.append(result)

        def both(moved: Moved | None, error: Exception | None) -> None:
            then(moved, error)
            result.set_exception(error) if error else result.set_result(moved)

        self._recorder.record(move, both)

    def wait(self) -> None:
        for result in self._results:
            result.result(scaled(60))
