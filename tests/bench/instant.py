"""A worker process for benchmarks: the real engine, with a provider that answers at once and no bytes to move.

Run as `python -m tests.bench.instant URL NAME THREADS`; works until its standard input closes, then prints the
processor seconds that it used.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import cast
from uuid import UUID, uuid4

import structlog

from db.connection import DatabaseSettings, connect_worker, normalised_url
from db.engine.claims import ClaimedJob
from db.engine.row_changes import AssetMade, AttemptChanged
from db.ids import new_id
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.providers.inputs import PictureInputs
from jobs.providers.provider import Prediction, Sought, Submission
from jobs.steps.by_state import Steps, steps_of
from jobs.steps.result import Work
from jobs.steps.runtime import Runtime
from jobs.worker.process import Engines, WorkerProcess
from statemachine.outcomes import Accepted, StepDone
from statemachine.vocabulary import State
from storage import S3Store


class InstantProvider:
    """Takes every job and has finished it when it is first looked at."""

    def submit(self, submission: Submission) -> Accepted:
        return Accepted(uuid4().hex, 0.0)

    def get(self, prediction_id: str) -> Prediction:
        return Prediction(prediction_id, "succeeded", ("http://127.0.0.1/out.png",), None, "", False, 1.0)

    def cancel(self, prediction_id: str) -> None:
        """Nothing runs."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def find(self, sought: Sought) -> str | None:
        return None

    @contextmanager
    def fetch(self, url: str, *, most_bytes: int) -> Iterator[tuple[str, Iterator[bytes]]]:
        yield "image/png", iter(())


class NoPictures:
    """The provider reads nothing, so any address will do."""

    def address(self, object_key: str, token: UUID, *, expires_s: int) -> str:
        return f"http://127.0.0.1/{token}.jpg"


def store(job: ClaimedJob) -> Work:
    """Say that the output was copied."""
    changed = AttemptChanged(job.id, job.attempt, "succeeded", source_key="source", source_type="image/png")
    return Work(job, StepDone(), (changed,))


def transcode(job: ClaimedJob) -> Work:
    """Say that the result was made."""
    made = AssetMade(
        id=new_id(),
        account_id=job.account_id,
        session_id=None,
        kind="avatar",
        object_key="avatar",
        content_type="image/png",
        width_px=1024,
        height_px=1024,
        duration_s=None,
        frames_per_second=None,
        size_bytes=1,
        sha256="00",
    )
    return Work(job, StepDone(), (made,), output_id=made.id)


def without_bytes(runtime: Runtime) -> Steps:
    """Return the real steps, but for those that move bytes."""
    return {**steps_of(runtime), State.STORING: store, State.TRANSCODING: transcode}


def main(url: str, name: str, threads: int) -> None:
    """Work until told to stop."""
    started = resource.getrusage(resource.RUSAGE_SELF)
    # As `LOG_LEVEL=warning` has it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"), cache_logger_on_first_use=True)
    engine = connect_worker(DatabaseSettings(url, pool_size=threads + 8), name=name)
    listen_url = normalised_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def runtime(recorder: Recorder, renewer: Renewer) -> Runtime:
        return Runtime(
            engine=engine,
            store=cast(S3Store, None),
            provider=InstantProvider(),
            inputs=cast(PictureInputs, NoPictures()),
            recorder=recorder,
            renewer=renewer,
            secrets={"openai_api_key": "none"},
        )

    with WorkerProcess(Engines(engine, listen_url), runtime, name=name, threads=threads, steps_of=without_bytes):
        sys.stdin.read()
    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout.write(f"{used.ru_utime + used.ru_stime - started.ru_utime - started.ru_stime:.3f}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
