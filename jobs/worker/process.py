"""A worker process: a Dramatiq worker over the row broker, and everything its steps need."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType

import dramatiq
from sqlalchemy import Engine

from db.engine.notify import ACTIVITY_CHANNEL
from jobs.engine.hints import DUE_CHANNEL, Hinter, HintListener, due_steps
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.steps.by_state import Steps, steps_of
from jobs.steps.runtime import Runtime
from jobs.upkeep.periodic import PeriodicRunner, PeriodicTask, by_lock
from jobs.webhooks.delivery import WebhookDelivery
from jobs.worker.actors import declare_actors
from jobs.worker.advance import AdvanceParts
from jobs.worker.broker import RowBroker


@dataclass(frozen=True, slots=True)
class Engines:
    """The pool that a worker's threads share, and the address at which its listener connects by itself."""

    engine: Engine
    listen_url: str


class WorkerProcess(AbstractContextManager["WorkerProcess"]):
    """Runs the actors on `threads` threads of this process between enter and exit.

    Leaving is the graceful stop: no new claims, the steps under way finish, their moves are written, and what was
    claimed and not begun is handed back.
    """

    def __init__(
        self,
        engines: Engines,
        build_runtime: Callable[[Recorder, Renewer], Runtime],
        *,
        name: str,
        threads: int,
        steps_of: Callable[[Runtime], Steps] = steps_of,
        periodic_tasks_of: Callable[[Runtime, Hinter], Sequence[PeriodicTask]] | None = None,
        webhooks_of: Callable[[], WebhookDelivery] | None = None,
    ) -> None:
        self._engines = engines
        self.hinter = Hinter(engines.engine)
        self.recorder = Recorder(engines.engine, self.hinter)
        self._renewer = Renewer(engines.engine)
        runtime = build_runtime(self.recorder, self._renewer)
        self._periodic_tasks = periodic_tasks_of(runtime, self.hinter) if periodic_tasks_of else ()
        self.broker = RowBroker(
            engines.engine, worker=name, threads=threads, leases=runtime.leases, limiter=runtime.limiter
        )
        self.recorder.after_group = self.broker.wake_for_delivered
        declare_actors(self.broker, AdvanceParts.of(runtime, steps_of(runtime), self.broker))
        self._worker = dramatiq.Worker(self.broker, worker_threads=threads, worker_timeout=250)
        self._webhooks_of = webhooks_of
        self._webhooks: WebhookDelivery | None = None
        self._listener: HintListener | None = None
        self._runners: list[PeriodicRunner] = []

    def _channels(self) -> dict[str, Callable[[str | None], None]]:
        channels: dict[str, Callable[[str | None], None]] = {
            DUE_CHANNEL: lambda payload: self.broker.wake(due_steps(payload))
        }
        if (webhooks := self._webhooks) is not None:
            channels[ACTIVITY_CHANNEL] = lambda _: webhooks.wake()
        return channels

    @property
    def silent_s(self) -> float:
        """Seconds since the most idle consumer last polled."""
        return self.broker.silent_s

    def __enter__(self) -> WorkerProcess:
        """Start claiming."""
        _collect_less()
        self._worker.start()
        if self._webhooks_of is not None:
            self._webhooks = self._webhooks_of()
        self._listener = HintListener(self._engines.listen_url, self._channels())
        self._runners = [PeriodicRunner(self._engines.engine, tasks) for tasks in by_lock(self._periodic_tasks)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop gracefully. Returns when every step under way has finished and its move is committed."""
        if self._webhooks is not None:
            self._webhooks.stop()
        for runner in self._runners:
            runner.close()
        self._worker.stop()
        self.recorder.close()
        self.broker.release_all()
        if self._listener is not None:
            self._listener.close()
        if self._webhooks is not None:
            self._webhooks.close()
        self._renewer.close()
        self.hinter.close()
        _collect_as_ever()


# Nearly everything that a step makes is gone without a collector: looking for the rest less often saves a twentieth of
# a busy worker's processor time.
_THRESHOLDS = (10_000, 10, 10)
_USUAL_THRESHOLDS = gc.get_threshold()


def _collect_less() -> None:
    """Collect garbage more rarely, and never look through what was built before the work began and lasts."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


def _collect_as_ever() -> None:
    gc.set_threshold(*_USUAL_THRESHOLDS)
    gc.unfreeze()
