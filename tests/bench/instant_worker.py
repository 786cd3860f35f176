"""A worker process for benchmarks: the real engine, with a provider that responds at once and no bytes to move.

Run as `python -m tests.bench.instant_worker URL NAME THREADS`; works until its standard input closes, then prints the
processor seconds that it used.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from typing import cast

import structlog
from sqlalchemy import Engine

from diorama.tuning import Tuning
from jobs.engine.hints import Hinter
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.providers.inputs import PictureInputs
from jobs.steps.runtime import Runtime
from jobs.upkeep.periodic import SEQUENCING, PeriodicTask
from jobs.upkeep.sequencing import Sequencer
from storage import S3Store
from tests.support.without_bytes import InstantProvider, NoPictures, without_bytes
from tests.support.workers import running_worker


def main(url: str, name: str, threads: int) -> None:
    """Work until standard input is closed."""
    started = resource.getrusage(resource.RUSAGE_SELF)
    # The same as `LOG_LEVEL=warning`.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"), cache_logger_on_first_use=True)

    def runtime(engine: Engine, recorder: Recorder, renewer: Renewer) -> Runtime:
        return Runtime(
            engine=engine,
            store=cast(S3Store, None),
            provider=InstantProvider(),
            inputs=cast(PictureInputs, NoPictures()),
            recorder=recorder,
            renewer=renewer,
            secrets={"openai_api_key": "none"},
        )

    with running_worker(
        url, runtime, name=name, threads=threads, steps_of=without_bytes, periodic_tasks_of=_periodic_tasks
    ):
        sys.stdin.read()
    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout.write(f"{used.ru_utime + used.ru_stime - started.ru_utime - started.ru_stime:.3f}\n")


def _periodic_tasks(runtime: Runtime, _: Hinter) -> Sequence[PeriodicTask]:
    """Return the one task that has work with each move."""
    sequencer = Sequencer(runtime.engine, every_s=Tuning().sequence_every_s)
    return (PeriodicTask("sequence", 0.0, sequencer.step, SEQUENCING, sequencer.close),)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
