"""Many stories at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.support.eventually import eventually
from tests.support.invariants import assert_attempts_add_up, assert_sound
from tests.support.system import System
from tests.support.tuned import QUICK

STORIES, VIDEOS = 50, 1


@pytest.mark.faults
def test_many_stories_on_two_workers_all_finish(system: System) -> None:
    """Every history is gapless and legal, and every picture is paid for once."""
    for number in range(STORIES):
        system.ask_for_story(f"story-{number}", video=number < VIDEOS)
    for _ in range(2):
        system.start_worker(replace(QUICK, lease=timedelta(seconds=30)), PROVIDER_TIMEOUT_S="10")
    wanted = 2 * STORIES + VIDEOS
    count = text("SELECT count(*) FROM jobs WHERE state = 'succeeded'")
    with system.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        eventually(lambda: conn.scalar(count) == wanted, within_s=110.0, every_s=0.1)
        workers = set(conn.scalars(text("SELECT DISTINCT actor FROM job_events")))
    assert workers == {"api", "worker"}
    assert_sound(system.engine)
    assert_attempts_add_up(system.engine)
    assert system.creates() == wanted
