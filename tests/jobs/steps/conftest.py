"""The parts of the step that transcodes, on a real database and object store."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from PIL import Image
from sqlalchemy import Engine

from db.engine.claims import ClaimedJob
from jobs.engine.hints import Hinter
from jobs.engine.lease_times import LeaseKeeper
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.steps.transcode import TranscodeParts
from statemachine.vocabulary import State
from storage import S3Store
from tests.support.factories import World, claimed, make_job


@pytest.fixture
def parts(engine: Engine, store: S3Store, hinter: Hinter) -> Iterator[TranscodeParts]:
    """Yield the parts, with a renewer and a recorder of the test's own."""
    renewer, recorder = Renewer(engine), Recorder(engine, hinter)
    yield TranscodeParts(store, LeaseKeeper(renewer), recorder)
    recorder.close()
    renewer.close()


@pytest.fixture
def job(engine: Engine, world: World, store: S3Store) -> ClaimedJob:
    """Return an avatar whose output, a plain picture, waits to be transcoded."""
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world, State.TRANSCODING))
    file = io.BytesIO()
    Image.new("RGB", (1024, 1024), "teal").save(file, "PNG")
    store.put_stream(job.source_key or "", iter([file.getvalue()]), content_type="image/png", max_bytes=10**6)
    return job
