"""The parts of the step that transcodes, on a real database and object store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from jobs.engine.hints import Hinter
from jobs.engine.lease_times import LeaseKeeper
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.steps.transcode import TranscodeParts
from storage import S3Store


@pytest.fixture
def parts(engine: Engine, store: S3Store, hinter: Hinter) -> Iterator[TranscodeParts]:
    """Yield the parts, with a renewer and a recorder of the test's own."""
    renewer, recorder = Renewer(engine), Recorder(engine, hinter)
    yield TranscodeParts(store, LeaseKeeper(renewer), recorder)
    recorder.close()
    renewer.close()
