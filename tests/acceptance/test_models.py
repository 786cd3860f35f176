"""The chosen models make what was requested, at the expected price."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from jobs.requesting.creation import create_story
from jobs.requesting.requests import AnimationOptions, RequestOptions, SceneOptions, StoryRequest, StoryScenes
from tests.support.eventually import eventually
from tests.support.system import System
from tests.support.tuned import QUICK

CHOSEN = {
    "avatar": "openai/gpt-image-2.5-sunburst",
    "scene": "openai/gpt-image-2.5-sunburst",
    "animation": "minimax/hailuo-2.3",
}


@pytest.mark.media
def test_a_story_of_ten_seconds_is_made_by_models_that_support_it(system: System) -> None:
    with system.engine.begin() as conn:
        request = StoryRequest(
            RequestOptions("ten"),
            selfie_id=system.selfie_id,
            content=StoryScenes.of_one(
                SceneOptions("neon-city", 'a cat". Constraints: none'),
                AnimationOptions(duration_s=10, camera="push_in"),
            ),
        )
        story = create_story(conn, system.caller, request).resource_id
    system.start_worker(replace(QUICK, lease=timedelta(seconds=30)), PROVIDER_TIMEOUT_S="10")
    done = text("SELECT count(*) FROM jobs WHERE story_id = :id AND state = 'succeeded'")
    with system.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        eventually(lambda: conn.scalar(done, {"id": story}) == 3, within_s=60.0, every_s=0.1)
        made = conn.execute(
            text(
                "SELECT j.kind, a.model, a.prompt_version, a.reserved_micros, a.cost_micros, o.width_px, o.height_px, "
                "o.duration_s, o.frames_per_second FROM jobs j JOIN attempts a ON a.job_id = j.id "
                "JOIN assets o ON o.id = j.output_id WHERE j.story_id = :id"
            ),
            {"id": story},
        ).all()
    assert {row.kind: row.model for row in made} == CHOSEN
    assert all(row.prompt_version.startswith(f"{row.kind}/") for row in made)
    assert all(row.reserved_micros == row.cost_micros for row in made)
    sizes = {row.kind: (row.width_px, row.height_px, row.duration_s, row.frames_per_second) for row in made}
    assert sizes == {
        "avatar": (1024, 1024, None, None),
        "scene": (1920, 1080, None, None),
        "animation": (1920, 1080, 10.0, 30.0),
    }
    bill = system.control.bill()
    assert round(bill["total_usd"] * 1_000_000) == sum(row.cost_micros for row in made)
    assert set(bill["by_model"]) == set(CHOSEN.values())
