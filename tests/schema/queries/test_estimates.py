"""The API estimates when a job or a story will be ready."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from jobs.providers.choice import ModelChoice
from schema.ids import IdKind, decode_id
from statemachine.vocabulary import Kind
from tests.schema.documents import make_avatar, make_story
from tests.support.partners import TO_SUCCESS, Partner, add_attempt, move

READY = "query ($id: ID!) { job(id: $id) { estimatedReadyAt } }"
FOLLOW_READY = "subscription ($storyId: ID) { generationProgress(storyId: $storyId) { estimatedReadyAt } }"
GENERATING = TO_SUCCESS[:2]
# No earlier prediction took measurable time, so the estimate is the profile's usual time.
AVATAR = ModelChoice().profile_for(Kind.AVATAR, "free", None)


def ready_in_s(partner: Partner, job_id: str) -> float | None:
    """Return the estimated seconds until a job is ready."""
    return seconds_until(partner.ask(READY, id=job_id)["job"]["estimatedReadyAt"])


def seconds_until(moment: str | None) -> float | None:
    return None if moment is None else (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()


def generating(partner: Partner, *, for_s: float) -> str:
    """Return an avatar that the provider accepted `for_s` seconds ago."""
    job_id = make_avatar(partner, partner.asset())
    move(partner.server.engine, job_id, *GENERATING)
    add_attempt(partner.server.engine, job_id)
    with partner.server.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET attempt = 1 WHERE id = :id"), {"id": decode_id(job_id, IdKind.JOB)})
        conn.execute(
            text("UPDATE attempts SET model = :model, accepted_at = diorama_now() - :ago WHERE job_id = :id"),
            {"model": AVATAR.model, "ago": timedelta(seconds=for_s), "id": decode_id(job_id, IdKind.JOB)},
        )
    return job_id


def about(seconds: float, estimate: float | None) -> bool:
    """Return True if an estimate is right, allowing 20 seconds for a slow response."""
    return estimate is not None and seconds - 20 < estimate <= seconds + 1


def test_a_queued_job_is_ready_after_the_usual_time(acme: Partner) -> None:
    assert about(AVATAR.typical_s, ready_in_s(acme, make_avatar(acme, acme.asset())))


def test_a_running_job_is_ready_after_the_rest_of_the_usual_time(acme: Partner) -> None:
    assert about(AVATAR.typical_s - 15, ready_in_s(acme, generating(acme, for_s=15)))


def test_a_job_that_takes_unusually_long_has_no_estimate(acme: Partner) -> None:
    assert ready_in_s(acme, generating(acme, for_s=10 * AVATAR.typical_s)) is None


def test_a_job_that_has_ended_has_no_estimate(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *TO_SUCCESS)
    assert ready_in_s(acme, job_id) is None


def test_a_story_is_ready_when_its_jobs_have_run_one_after_another(acme: Partner) -> None:
    story = make_story(acme, acme.asset())
    scene_s = ready_in_s(acme, story["scene"]["id"])
    assert about(2 * AVATAR.typical_s, scene_s)
    with acme.socket() as socket:
        socket.begin(FOLLOW_READY, storyId=story["id"])
        story_s = seconds_until(socket.next()["generationProgress"]["estimatedReadyAt"])
    assert story_s is not None
    assert scene_s is not None
    assert story_s >= scene_s - 20
