"""A worker that is frozen while it writes, and wakes after another has recorded the output, alters no recorded byte."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image
from sqlalchemy import Engine, text

from db.engine.claims import ClaimedJob
from jobs.signing import ManifestSigner
from statemachine.vocabulary import State
from storage import Content, S3Store, StoredObject
from storage.keys import job_prefix
from tests.support.certificates import write_chain
from tests.support.eventually import eventually, scaled
from tests.support.factories import World, claimed, make_job
from tests.support.fakes import FakeProvider
from tests.support.stepped_worker import SteppedWorker


class FreezingStore:
    """A store whose first write of a file waits, as that of a frozen worker does, until it is thawed."""

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self.reached, self.thawed = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put_file(self, key: str, path: Path, *, content_type: str) -> StoredObject:
        self.reached.set()
        assert self.thawed.wait(scaled(60))
        return self._store.put_file(key, path, content_type=content_type)


@pytest.fixture
def workers(engine: Engine, store: S3Store, tmp_path: Path) -> Iterator[tuple[SteppedWorker, SteppedWorker]]:
    """Two workers that sign, so that each writes other bytes: the first has a store that freezes."""
    signer, provider = ManifestSigner.of(*write_chain(tmp_path)), FakeProvider()
    with ExitStack() as closing:
        stores = (FreezingStore(store), store)
        made = [SteppedWorker.on(engine, provider=provider, store=each, signer=signer) for each in stores]
        for worker in made:
            closing.callback(worker.close)
        yield made[0], made[1]


def _transcoding(engine: Engine, store: S3Store, world: World) -> ClaimedJob:
    file = io.BytesIO()
    Image.new("RGB", (1024, 1024), "teal").save(file, "PNG")
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world, State.TRANSCODING))
    store.put_stream(job.source_key or "", [file.getvalue()], content_type="image/png", max_bytes=10**6)
    return job


def _claimed_by_another(engine: Engine, job: ClaimedJob) -> ClaimedJob:
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET lease_expires_at = diorama_now() - interval '1 second'"))
        return claimed(conn, job.id)


def _recorded(engine: Engine, job: ClaimedJob) -> dict[str, Content]:
    query = (
        "SELECT a.object_key, a.size_bytes, a.sha256 FROM jobs j JOIN assets a ON a.id = j.output_id WHERE j.id = :id "
        "UNION ALL SELECT r.object_key, r.size_bytes, r.sha256 "
        "FROM jobs j JOIN renditions r ON r.asset_id = j.output_id WHERE j.id = :id"
    )
    with engine.connect() as conn:
        return {key: Content(size, digest) for key, size, digest in conn.execute(text(query), {"id": job.id})}


def test_a_late_write_leaves_what_was_recorded_as_it_is_and_is_deleted(
    engine: Engine, store: S3Store, world: World, workers: tuple[SteppedWorker, SteppedWorker]
) -> None:
    frozen, other = workers
    freezing = cast("FreezingStore", frozen.runtime.store)
    job = _transcoding(engine, store, world)
    late = threading.Thread(target=frozen.advance, args=(job,))
    late.start()
    assert freezing.reached.wait(scaled(60))
    other.advance(_claimed_by_another(engine, job))
    recorded = _recorded(engine, job)
    assert len(recorded) == 4
    freezing.thawed.set()
    late.join(scaled(60))
    for key, content in recorded.items():
        store.verify(key, content)
    kept = {*recorded, job.source_key}
    eventually(lambda: {each.key for each in store.list(job_prefix(job.id))} == kept)
    assert _recorded(engine, job) == recorded
