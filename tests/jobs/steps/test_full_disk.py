"""A full disk of the worker is waited for: it is not the job's fault, and counts as no failure of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine, text

from jobs.providers.inputs import PictureInputs
from statemachine.vocabulary import State
from storage import S3Store
from tests.support.factories import World, claimed, make_job
from tests.support.fakes import FakeProvider
from tests.support.stepped_worker import SteppedWorker

Folder = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def worker(engine: Engine, store: S3Store) -> Iterator[SteppedWorker]:
    provider = FakeProvider()
    inputs = PictureInputs(store, uploads_to=provider)
    worker = SteppedWorker.on(engine, provider=provider, store=store, inputs=inputs)
    yield worker
    worker.close()


def _full(*names: str) -> Folder:
    """Return a maker of temporary folders in which files of these names lie on a device that is always full."""

    @contextmanager
    def folder(prefix: str) -> Iterator[str]:
        with TemporaryDirectory(prefix=prefix) as made:
            for name in names:
                (Path(made) / name).symlink_to("/dev/full")
            yield made

    return folder


@pytest.mark.parametrize(
    ("state", "module", "name"),
    [(State.QUEUED, "jobs.providers.inputs", "picture"), (State.TRANSCODING, "jobs.steps.transcode", "source")],
)
def test_a_full_disk_postpones_the_job(
    engine: Engine,
    store: S3Store,
    world: World,
    worker: SteppedWorker,
    monkeypatch: pytest.MonkeyPatch,
    state: State,
    module: str,
    name: str,
) -> None:
    monkeypatch.setattr(f"{module}.TemporaryDirectory", _full(name))
    with engine.begin() as conn:
        conn.execute(text("UPDATE assets SET sha256 = encode(sha256('x'), 'hex')"))
        job = claimed(conn, make_job(conn, world, state))
    store.put_stream(job.source_key or job.input_key or "", [b"x"], content_type="image/png", max_bytes=1)
    for _ in range(5):
        worker.advance(job)
        with engine.begin() as conn:
            job = claimed(conn, job.id)
    with engine.connect() as conn:
        row = conn.execute(text("SELECT state, event, failures, due_at > now() FROM jobs")).one()
    assert tuple(row) == (state, "postponed", 0, True)
