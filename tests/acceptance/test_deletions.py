"""Deletions by real workers: the store is listed before and after, and a worker is killed on the way."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jobs.deleting.requesting import delete_story
from tests.support.eventually import eventually
from tests.support.system import System


def _uploaded(system: System) -> list[Any]:
    """Return the pictures that the provider keeps."""
    listed = httpx.get(f"{system.simulator.api_url}/v1/files", headers={"Authorization": "Bearer r8_test"}).json()
    files: list[Any] = listed["results"]
    return files


@pytest.mark.faults
def test_a_story_is_deleted_though_a_worker_is_killed(system: System) -> None:
    """Its scene is under way when it is deleted, and the next worker carries the deletion out."""
    story_id = system.ask_for_story("story", video=False)
    jobs = system.scalars("SELECT id FROM jobs WHERE story_id = :id ORDER BY id", id=story_id)
    worker = system.start_worker(PROVIDER_INPUTS="upload")
    system.wait_for(jobs[0], "succeeded")
    system.wait_for(jobs[1], "generating", "storing", "transcoding", "succeeded")
    before = [each.key for each in system.store.list()]
    assert any(str(jobs[0]) in key for key in before)
    assert _uploaded(system)
    with system.engine.begin() as conn:
        delete_story(conn, system.caller, story_id)
    worker.kill()
    system.start_worker(PROVIDER_INPUTS="upload")
    eventually(lambda: system.scalar("SELECT count(*) FROM deletions WHERE completed_at IS NOT NULL") == 1, within_s=60)
    after = [each.key for each in system.store.list()]
    assert not [key for key in after if any(str(job_id) in key for job_id in jobs)]
    assert len(after) == 1, "the selfie stays"
    assert _uploaded(system) == []
