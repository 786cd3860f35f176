"""What the API says of when something will be ready."""

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
# The tests leave nothing that took time, so the profile's usual time is what can be said.
AVATAR = ModelChoice().profile_for(Kind.AVATAR, "free", None)


def ready_in_s(partner: Partner, job_id: str) -> float | None:
    """Return in how many seconds a job is said to be ready."""
    return seconds_until(partner.ask(READY, id=job_id)["job"]["estimatedReadyAt"])


def seconds_until(told: str | None) -> float | None:
    return None if told is None else (datetime.fromisoformat(told) - datetime.now(UTC)).total_seconds()


def generating(partner: Partner, *, for_s: float) -> str:
    """Return an avatar that the provider took so long ago."""
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


def about(seconds: float, told: float | None) -> bool:
    """Whether what was told is right, for however long the answer took."""
    return told is not None and seconds - 20 < told <= seconds + 1


def test_a_queued_job_is_ready_after_the_usual_time(acme: Partner) -> None:
    assert about(AVATAR.typical_s, ready_in_s(acme, make_avatar(acme, acme.asset())))


def test_a_running_job_is_ready_when_the_rest_of_the_usual_time_is_over(acme: Partner) -> None:
    assert about(AVATAR.typical_s - 15, ready_in_s(acme, generating(acme, for_s=15)))


def test_of_a_job_that_takes_unusually_long_nothing_is_said(acme: Partner) -> None:
    assert ready_in_s(acme, generating(acme, for_s=10 * AVATAR.typical_s)) is None


def test_of_a_job_that_has_ended_nothing_is_said(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *TO_SUCCESS)
    assert ready_in_s(acme, job_id) is None


def test_a_story_is_ready_when_the_last_of_its_jobs_is_each_after_the_one_before(acme: Partner) -> None:
    story = make_story(acme, acme.asset())
    scene_s = ready_in_s(acme, story["scene"]["id"])
    assert about(2 * AVATAR.typical_s, scene_s)
    with acme.socket() as socket:
        socket.begin(FOLLOW_READY, storyId=story["id"])
        told = seconds_until(socket.next()["generationProgress"]["estimatedReadyAt"])
    assert told is not None
    assert scene_s is not None
    assert told >= scene_s - 20
