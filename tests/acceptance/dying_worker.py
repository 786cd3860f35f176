"""A worker process that dies in the middle of paid calls; `losses` starts one after another.

Everything about the paid call is real: the client, the intent, reconciling, the orphan search. Only pictures
are left out, because ten thousand of them prove nothing more.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from random import Random
from typing import cast

import structlog
from sqlalchemy import Engine

from jobs.engine.hints import Hinter
from jobs.engine.lease_times import Leases
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.providers.guard import Timeouts
from jobs.providers.inputs import PictureInputs
from jobs.providers.provider import Submission
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from jobs.steps.runtime import Runtime
from jobs.tracking.poll_schedule import PollSchedule
from jobs.upkeep.orphans import search_orphans
from jobs.upkeep.periodic import PeriodicTask
from statemachine.backoff import JobPolicy
from statemachine.outcomes import Accepted, OutcomeLost, Refused, Rejected
from storage import S3Store
from tests.support.scripted import ForwardingProvider
from tests.support.without_bytes import NoPictures, without_bytes
from tests.support.workers import running_worker

_SEARCH_AFTER = timedelta(seconds=2)
_THREADS = 8
# Workers die often here, so their leases are short, and no job is blamed for the deaths of its workers.
_LEASES = Leases(timedelta(seconds=2), timedelta(seconds=2))
_CLAIMS_MAX = 1000


@dataclass(frozen=True)
class WorkerConditions:
    """The servers that a worker uses, and the share of its paid calls at which it dies."""

    database_url: str
    api_url: str
    kill_share: float
    reconcile_for_s: float
    spend_cap_micros: int


class DeadlyProvider(ForwardingProvider):
    """The real provider, except that the worker dies just after a share of its paid calls were accepted.

    A tenth as often, it dies between the committed intent and the call.
    """

    def __init__(self, inner: ReplicateProvider, kill_share: float, rng: Random) -> None:
        super().__init__(inner)
        self._kill_share = kill_share
        self._rng = rng

    def submit(self, submission: Submission) -> Accepted | Refused | Rejected | OutcomeLost:
        """Make the paid call, and die before it, after it or not at all, by chance."""
        drawn = self._rng.random()
        if drawn < self._kill_share / 10:
            _die()
        outcome = self.inner.submit(submission)
        if drawn > 1 - self._kill_share:
            _die()
        return outcome


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def work(conditions: WorkerConditions, seed: int, orders: Connection) -> None:
    """Work until killed, or until the other end of `orders` is closed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    name = f"losing-{os.getpid()}"
    settings = ReplicateSettings(
        api_token="r8_losses",
        base_url=conditions.api_url,
        timeouts=Timeouts(response_s=5.0),
        first_poll_s=0.0,
    )
    provider = DeadlyProvider(ReplicateProvider(settings), conditions.kill_share, Random(seed))
    policy = JobPolicy(
        claims_max=_CLAIMS_MAX,
        reconcile_for=timedelta(seconds=conditions.reconcile_for_s),
        spend_cap_micros=conditions.spend_cap_micros,
        delays_s=(0.1,) * 10,
    )

    def runtime(engine: Engine, recorder: Recorder, renewer: Renewer) -> Runtime:
        return Runtime(
            engine=engine,
            store=cast(S3Store, None),
            provider=provider,
            inputs=cast(PictureInputs, NoPictures()),
            recorder=recorder,
            renewer=renewer,
            leases=_LEASES,
            policy=policy,
            polling=PollSchedule(least_s=0.1, most_s=0.5, unreported_most_s=0.1),
            list_settles_after_s=2.0,
            public_url="https://webhooks.invalid",
            secrets={"openai_api_key": "none"},
        )

    worker = running_worker(
        conditions.database_url,
        runtime,
        name=name,
        threads=_THREADS,
        steps_of=without_bytes,
        periodic_tasks_of=_periodic_tasks,
    )
    with worker, suppress(EOFError):
        orders.recv()


def _periodic_tasks(runtime: Runtime, hinter: Hinter) -> Sequence[PeriodicTask]:
    return (PeriodicTask("orphans", 1.0, partial(search_orphans, runtime.engine, runtime.provider, _SEARCH_AFTER)),)
