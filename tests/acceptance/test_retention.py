"""Retention by real workers, and what the doctor says of the bucket before and after."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from diorama.embedded import EmbeddedS3
from storage import S3Store
from tests.acceptance.workers import Site
from tests.clock import move_clock
from tests.eventually import eventually
from tests.servers import unique_name

DAYS = {"RETENTION_OUTPUT_DAYS": "2", "RETENTION_SOURCE_DAYS": "1", "RETENTION_SWEEP_S": "0.2", "STORAGE_GRACE_S": "0"}


def run(site: Site, *command: str) -> tuple[int, str]:
    """Run a command of the program; return its exit status and what it told."""
    ended = subprocess.run(
        [sys.executable, "-m", "diorama", *command],
        env={**site.environment, **DAYS, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def bucket() -> str:
    """A bucket of the test's own: the doctor looks at all of it, and other tests' late workers may write to theirs."""
    return unique_name("retention")


@pytest.fixture
def store(s3_server: EmbeddedS3, bucket: str) -> S3Store:
    """The store of that bucket."""
    store = S3Store(replace(s3_server.settings, bucket=bucket))
    store.ensure_bucket()
    return store


@pytest.fixture
def site(site: Site, bucket: str) -> Site:
    """A site whose workers use that bucket, too."""
    site.environment["S3_BUCKET"] = bucket
    return site


def test_what_a_story_made_is_complete_until_it_expires_and_gone_afterwards(site: Site) -> None:
    story_id = site.ask_for_story("story", video=False)
    site.start_worker(**DAYS)
    jobs = [site.wait_for(job_id, "succeeded") for job_id in _jobs_of(site, story_id)]
    status, told = run(site, "doctor", "--storage")
    assert status == 0, told
    with site.engine.connect() as conn:
        made_for = conn.scalars(text("SELECT expires_at - created_at FROM assets WHERE kind IN ('avatar', 'scene')"))
        assert all(timedelta(days=1.9) < kept <= timedelta(days=2) for kept in made_for)
    site.workers[0].kill()
    move_clock(site.engine, timedelta(days=3))
    site.start_worker(**DAYS)
    eventually(lambda: not any(site.objects(job.id) for job in jobs))
    eventually(lambda: run(site, "doctor", "--storage")[0] == 0)
    with site.engine.connect() as conn:
        assert set(conn.scalars(text("SELECT state FROM assets WHERE kind IN ('avatar', 'scene')"))) == {"deleted"}


def test_the_doctor_names_what_only_one_side_has_and_a_sweep_removes_what_is_left(site: Site) -> None:
    job_id = site.ask_for_avatar()
    worker = site.start_worker()
    site.wait_for(job_id, "succeeded")
    worker.kill()
    left, lost = f"jobs/{job_id}/7/source.png", f"jobs/{job_id}/1/avatar.png"
    site.store.put_stream(left, [b"x"], content_type="image/png", max_bytes=1)
    status, told = run(site, "doctor", "--storage")
    assert (status, left in told) == (1, True)
    assert "0 files, 0 sources, 1 left objects, 0 months of history, the rows of 0 jobs" in run(site, "sweep")[1]
    assert run(site, "doctor", "--storage")[0] == 0
    site.store.delete([lost])
    status, told = run(site, "doctor", "--storage")
    assert (status, f"1: {lost}" in told) == (1, True)


def _jobs_of(site: Site, story_id: object) -> list[object]:
    with site.engine.connect() as conn:
        return list(conn.scalars(text("SELECT id FROM jobs WHERE story_id = :id"), {"id": story_id}))
