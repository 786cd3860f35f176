"""No step works with bytes that a row does not describe, and nothing is paid for them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from db.engine.claims import ClaimedJob
from jobs.providers.inputs import PictureInputs
from statemachine.vocabulary import ErrorCode, State
from storage import S3Store
from tests.support.factories import World, claimed, make_job
from tests.support.fakes import FakeProvider
from tests.support.pictures import add_picture
from tests.support.stepped_worker import SteppedWorker


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture(params=["signed", "uploaded"])
def worker(
    engine: Engine, store: S3Store, provider: FakeProvider, request: pytest.FixtureRequest
) -> Iterator[SteppedWorker]:
    inputs = PictureInputs(store, uploads_to=provider if request.param == "uploaded" else None)
    worker = SteppedWorker.on(engine, provider=provider, store=store, inputs=inputs)
    yield worker
    worker.close()


@pytest.fixture
def pictured(engine: Engine, store: S3Store, world: World) -> World:
    """Return an account whose selfie has an object."""
    return replace(world, selfie_id=add_picture(engine, store, world.owner.account_id, "selfie"))


def _queued(engine: Engine, world: World) -> ClaimedJob:
    with engine.begin() as conn:
        return claimed(conn, make_job(conn, world))


def _overwrite(store: S3Store, key: str | None, content: bytes) -> None:
    store.put_stream(key or "", [content], content_type="image/jpeg", max_bytes=10**6)


def _row(engine: Engine, job_id: UUID) -> tuple[str, str | None]:
    with engine.connect() as conn:
        row = conn.execute(text("SELECT state, error_code FROM jobs WHERE id = :id"), {"id": job_id}).one()
    return row.state, row.error_code


def _asset_state(engine: Engine, asset_id: UUID) -> str:
    with engine.connect() as conn:
        return str(conn.scalar(text("SELECT state FROM assets WHERE id = :id"), {"id": asset_id}))


def _picture(color: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1024, 1024), color).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("same_size", [False, True])
def test_an_input_with_other_bytes_ends_the_job_before_the_paid_call(
    engine: Engine, store: S3Store, pictured: World, worker: SteppedWorker, provider: FakeProvider, same_size: bool
) -> None:
    job = _queued(engine, pictured)
    size_bytes = job.input_bytes if same_size else 100
    _overwrite(store, job.input_key, b"x" * (size_bytes or 0))
    with capture_logs() as logs:
        worker.advance(job)
    assert _row(engine, job.id) == (State.COMPENSATING, ErrorCode.INPUT_UNREADABLE)
    assert provider.booked == {}
    assert provider.files == {}
    assert [each["event"] for each in logs if each["log_level"] == "error"] == [
        "the input of a job is not what was stored"
    ]


def test_a_missing_input_ends_the_job_at_once_and_its_file_is_not_ready(
    engine: Engine, store: S3Store, pictured: World, worker: SteppedWorker, provider: FakeProvider
) -> None:
    job = _queued(engine, pictured)
    store.delete([job.input_key or ""])
    worker.advance(job)
    assert _row(engine, job.id) == (State.COMPENSATING, ErrorCode.INPUT_EXPIRED)
    assert _asset_state(engine, pictured.selfie_id) == "missing"
    assert provider.booked == {}


def test_an_input_as_it_was_stored_is_submitted(
    engine: Engine, pictured: World, worker: SteppedWorker, provider: FakeProvider
) -> None:
    job = _queued(engine, pictured)
    worker.advance(job)
    assert _row(engine, job.id) == (State.GENERATING, None)
    assert len(provider.booked) == 1


@pytest.mark.parametrize("worker", ["signed"], indirect=True)
def test_a_source_with_other_bytes_ends_the_job_and_is_not_paid_for_again(
    engine: Engine, store: S3Store, world: World, worker: SteppedWorker, provider: FakeProvider
) -> None:
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world, State.STORING))
    worker.advance(job.changed(output_urls=("memory://1/out.png",)))
    with engine.begin() as conn:
        job = claimed(conn, job.id)
    assert job.state is State.TRANSCODING
    _overwrite(store, job.source_key, _picture("teal"))
    with capture_logs() as logs:
        worker.advance(job)
    assert _row(engine, job.id) == (State.COMPENSATING, ErrorCode.OUTPUT_INVALID)
    assert "a source is not what was stored" in [each["event"] for each in logs if each["log_level"] == "error"]
