"""Retention by real workers, and the doctor's report on the bucket before and after."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from diorama.embedded import EmbeddedS3
from storage import S3Store
from storage.keys import output_key
from tests.support.clock import move_clock
from tests.support.databases import unique_name
from tests.support.eventually import eventually
from tests.support.system import System
from tests.support.tuned import QUICK

pytestmark = pytest.mark.system

DAYS = {"RETENTION_OUTPUT_DAYS": "2", "RETENTION_SOURCE_DAYS": "1"}
PURGING = replace(QUICK, purge_every_s=0.2)
# An object without a row that is older than this no longer counts as being made.
GRACE = timedelta(hours=2)


def run(system: System, *command: str) -> tuple[int, str]:
    """Run a command of the program; return its exit status and what it printed."""
    return system.processes.run(*command, **DAYS, COLUMNS="400")


@pytest.fixture
def bucket() -> str:
    """Return a bucket for this test alone: the doctor checks all of it, and other tests' workers may still write."""
    return unique_name("retention")


@pytest.fixture
def store(s3_server: EmbeddedS3, bucket: str) -> S3Store:
    """Return the store of that bucket."""
    store = S3Store(replace(s3_server.settings, bucket=bucket))
    store.ensure_bucket()
    return store


@pytest.fixture
def system(system: System, bucket: str) -> System:
    """Return a system whose workers use that bucket, too."""
    system.processes.environment["S3_BUCKET"] = bucket
    return system


def test_the_pictures_of_a_story_are_kept_until_they_expire_and_then_deleted(system: System) -> None:
    story_id = system.ask_for_story("story", video=False)
    system.start_worker(PURGING, **DAYS)
    jobs = [system.wait_for(job_id, "succeeded") for job_id in _jobs_of(system, story_id)]
    move_clock(system.engine, GRACE)
    status, report = run(system, "doctor", "--storage")
    assert status == 0, report
    with system.engine.connect() as conn:
        kept_for = conn.scalars(text("SELECT expires_at - created_at FROM assets WHERE kind IN ('avatar', 'scene')"))
        assert all(timedelta(days=1.9) < kept <= timedelta(days=2) for kept in kept_for)
    system.processes.workers[0].kill()
    move_clock(system.engine, timedelta(days=3))
    system.start_worker(PURGING, **DAYS)
    eventually(lambda: not any(system.objects(job.id) for job in jobs))
    eventually(lambda: run(system, "doctor", "--storage")[0] == 0)
    with system.engine.connect() as conn:
        assert set(conn.scalars(text("SELECT state FROM assets WHERE kind IN ('avatar', 'scene')"))) == {"deleted"}


def test_the_doctor_names_objects_without_rows_and_rows_without_objects(system: System) -> None:
    job_id = system.ask_for_avatar()
    worker = system.start_worker()
    system.wait_for(job_id, "succeeded")
    worker.kill()
    left = output_key(job_id, attempt=7, lease=1, role="source", extension="png")
    lost = next(each.key for each in system.store.list(f"jobs/{job_id}/") if each.key.endswith("/avatar.png"))
    system.store.put_stream(left, [b"x"], content_type="image/png", max_bytes=1)
    move_clock(system.engine, GRACE)
    status, report = run(system, "doctor", "--storage")
    assert (status, left in report) == (1, True)
    assert "0 files, 0 sources, 1 leftovers, 0 months of history, the rows of 0 jobs" in run(system, "purge")[1]
    assert run(system, "doctor", "--storage")[0] == 0
    system.store.delete([lost])
    status, report = run(system, "doctor", "--storage")
    assert (status, f"1: {lost}" in report) == (1, True)


def _jobs_of(system: System, story_id: object) -> list[UUID]:
    with system.engine.connect() as conn:
        return list(conn.scalars(text("SELECT id FROM jobs WHERE story_id = :id"), {"id": story_id}))
