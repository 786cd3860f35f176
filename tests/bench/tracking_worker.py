"""A worker process for benchmarks: the real engine and the real HTTP client of the provider, with no bytes to move.

Run as `python -m tests.bench.tracking_worker URL NAME THREADS PROVIDER_URL [PUBLIC_URL]`; works until its standard
input closes.
"""

from __future__ import annotations

import sys
from typing import cast

import structlog
from sqlalchemy import Engine

from jobs.engine.hints import Hinter
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.providers.inputs import PictureInputs
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from jobs.steps.runtime import Runtime
from jobs.tracking.durations import Durations
from jobs.tracking.watcher import Watcher
from jobs.tracking.watcher_status import CachedWatcherStatus
from jobs.upkeep.periodic import TRACKING, PeriodicTask
from storage import S3Store
from tests.support.without_bytes import BlankPictures, without_bytes
from tests.support.workers import running_worker


def main(url: str, name: str, threads: int, provider_url: str, public_url: str | None = None) -> None:
    """Work until standard input is closed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    provider = ReplicateProvider(ReplicateSettings("r8_bench", base_url=provider_url))

    def runtime(engine: Engine, recorder: Recorder, renewer: Renewer) -> Runtime:
        return Runtime(
            engine=engine,
            store=cast(S3Store, None),
            provider=provider,
            inputs=cast(PictureInputs, BlankPictures(provider)),
            recorder=recorder,
            renewer=renewer,
            durations=Durations.of(engine),
            watcher_status=CachedWatcherStatus.of(engine),
            public_url=public_url,
            secrets={"openai_api_key": "none"},
        )

    def tasks(runtime: Runtime, hinter: Hinter) -> tuple[PeriodicTask, ...]:
        return (
            PeriodicTask("watch", 0.25, Watcher(runtime.engine, provider, hinter, runtime.poll_times).step, TRACKING),
        )

    with running_worker(url, runtime, name=name, threads=threads, steps_of=without_bytes, periodic_tasks_of=tasks):
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
