"""Each policy, over a real Postgres and a real object store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from jobs.errors import InputExpired, NotReady
from jobs.identity import Principal
from jobs.providers.choice import ModelChoice
from jobs.requesting.creation import create_avatar, create_scene
from jobs.requesting.requests import AvatarRequest, RequestOptions, SceneOptions, SceneRequest
from jobs.steps.models import Models
from jobs.steps.prepare import PrepareParts, prepare
from jobs.support.redriving import retry_job
from statemachine.outcomes import Rejected
from statemachine.vocabulary import ErrorCode, Kind, State
from tests.retention.conftest import House
from tests.support.factories import World, claimed

MODEL = ("openai/gpt-image-2.5-sunburst",)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def caller(house: House) -> Principal:
    return Principal(house.world.owner.account_id, "partner", "test")


def test_an_upload_that_was_never_completed_is_purged_after_its_hours(house: House) -> None:
    upload = house.upload()
    house.pass_time(23 * HOUR)
    assert house.purge(uploads=24 * HOUR).files == 0
    house.pass_time(25 * HOUR)
    assert house.purge(uploads=24 * HOUR).files == 1
    assert house.asset_state(upload) == "deleted"
    assert house.objects() == []


def test_a_selfie_is_purged_when_it_has_expired_and_not_before(house: House) -> None:
    selfie = house.selfie(kept_for=30 * DAY)
    house.pass_time(29 * DAY)
    assert house.purge().files == 0
    house.pass_time(31 * DAY)
    assert house.purge().files == 1
    assert (house.asset_state(selfie), house.objects()) == ("deleted", [])


def test_files_that_never_expire_are_kept(house: House) -> None:
    selfie = house.selfie(kept_for=None)
    job_id = house.job()
    before = house.objects()
    house.pass_time(4000 * DAY)
    assert house.purge(sources=None, history=None).files == 0
    assert (house.asset_state(selfie), house.objects()) == ("ready", before)
    assert house.scalar("SELECT count(*) FROM job_events WHERE job_id = :id", id=job_id) > 0


def test_finished_files_are_purged_when_they_have_expired(house: House) -> None:
    job_id = house.job(kept_for=90 * DAY)
    house.pass_time(91 * DAY)
    assert house.purge(sources=None).files == 1
    assert house.scalar("SELECT a.state FROM assets a JOIN jobs j ON j.output_id = a.id") == "deleted"
    assert house.objects() == [f"jobs/{job_id}/1/source.png"]


def test_the_input_of_an_unfinished_job_is_kept_until_the_job_has_ended(house: House) -> None:
    selfie = house.selfie(kept_for=DAY)
    with house.engine.begin() as conn:
        conn.execute(text("UPDATE assets SET expires_at = NULL WHERE state = 'deleted'"))
    house.world = type(house.world)(house.world.owner, selfie)
    working = house.job(State.GENERATING)
    parent = house.job(kept_for=DAY)
    child = house.job(State.QUEUED, kind=Kind.SCENE, parent_id=parent)
    house.pass_time(2 * DAY)
    assert house.purge().files == 0
    with house.engine.begin() as conn:
        ended = "UPDATE jobs SET state = 'failed', event = 'undone', seq = seq + 1, due_at = NULL, "
        ended += "error_code = 'internal', finished_at = diorama_now() WHERE id = :id"
        for job_id, event in ((working, "generation_failed"), (child, "cancel_requested")):
            conn.execute(
                text("UPDATE jobs SET state = 'compensating', event = :event, seq = seq + 1 WHERE id = :id"),
                {"id": job_id, "event": event},
            )
            conn.execute(text(ended), {"id": job_id})
    assert house.purge().files == 2


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED])
def test_originals_are_purged_some_days_after_their_job_has_ended(house: House, state: State) -> None:
    job_id = house.job(state)
    with house.engine.begin() as conn:
        conn.execute(text("UPDATE attempts SET source_key = :key"), {"key": house.put(f"jobs/{job_id}/1/source.png")})
        conn.execute(text("UPDATE attempts SET completed_at = coalesce(completed_at, diorama_now())"))
    house.pass_time(6 * DAY)
    assert house.purge(sources=7 * DAY).sources == 0
    house.pass_time(8 * DAY)
    assert house.purge(sources=7 * DAY).sources == 1
    assert f"jobs/{job_id}/1/source.png" not in house.objects()
    assert house.scalar("SELECT count(source_key) FROM attempts") == 0


def test_a_job_whose_original_is_gone_is_redriven_from_its_submission(house: House) -> None:
    house.world = World(house.world.owner, house.selfie(kept_for=None))
    job_id = house.job(State.FAILED)
    with house.engine.begin() as conn:
        key = house.put(f"jobs/{job_id}/1/source.png")
        conn.execute(text("UPDATE attempts SET source_key = :key, completed_at = diorama_now()"), {"key": key})
    house.pass_time(8 * DAY)
    house.purge()
    with house.engine.begin() as conn:
        assert retry_job(conn, caller(house), job_id).job.state is State.QUEUED


@pytest.mark.parametrize("is_purged", [False, True], ids=["expired", "removed"])
def test_a_job_whose_selfie_is_no_longer_kept_is_refused_at_once(house: House, is_purged: bool) -> None:
    """The job is refused before and after the purge: it must not look as if it could still be made."""
    house.world = World(house.world.owner, house.selfie(kept_for=30 * DAY))
    job_id = house.job(State.FAILED)
    house.pass_time(31 * DAY)
    if is_purged:
        assert house.purge().files == 1
    with house.engine.begin() as conn, pytest.raises(InputExpired, match=r"selfie .* no longer kept\. Upload it again"):
        retry_job(conn, caller(house), job_id)
    assert house.scalar("SELECT state FROM jobs WHERE id = :id", id=job_id) == "failed"


def test_a_job_whose_parents_picture_is_no_longer_kept_is_refused_at_once(house: House) -> None:
    avatar = house.job(kept_for=30 * DAY)
    scene = house.job(State.FAILED, kind=Kind.SCENE, parent_id=avatar)
    house.pass_time(31 * DAY)
    house.purge()
    with house.engine.begin() as conn, pytest.raises(InputExpired, match="avatar for this scene"):
        retry_job(conn, caller(house), scene)


def test_a_job_with_a_stored_source_no_longer_needs_its_selfie(house: House) -> None:
    house.world = World(house.world.owner, house.selfie(kept_for=DAY))
    job_id = house.job(State.FAILED)
    with house.engine.begin() as conn:
        key = house.put(f"jobs/{job_id}/1/source.png")
        conn.execute(text("UPDATE attempts SET source_key = :key, completed_at = diorama_now()"), {"key": key})
    house.pass_time(2 * DAY)
    house.purge()
    with house.engine.begin() as conn:
        assert retry_job(conn, caller(house), job_id).job.state is State.TRANSCODING


def test_a_submission_without_its_picture_is_not_made(house: House) -> None:
    """A second safeguard behind the refusal: a worker treats a deleted picture as missing."""
    house.world = World(house.world.owner, house.selfie(kept_for=None))
    job_id = house.job(State.QUEUED)
    with house.engine.begin() as conn:
        conn.execute(text("UPDATE assets SET state = 'deleted'"))
        job = claimed(conn, job_id)
    refused = prepare(job, PrepareParts(house.engine, Models(house.engine, ModelChoice(MODEL))))
    assert isinstance(refused, Rejected)
    assert refused.failure.code is ErrorCode.INPUT_EXPIRED


def test_originals_of_unfinished_jobs_are_kept(house: House) -> None:
    job_id = house.job(State.TRANSCODING)
    house.pass_time(30 * DAY)
    assert house.purge().sources == 0
    assert house.objects() == [f"jobs/{job_id}/1/source.png"]


def test_no_new_job_starts_from_an_expired_file(house: House) -> None:
    selfie = house.selfie(kept_for=DAY)
    avatar_job = house.job(kept_for=DAY)
    house.pass_time(2 * DAY)
    with house.engine.begin() as conn, pytest.raises(NotReady, match="has expired"):
        create_avatar(conn, caller(house), AvatarRequest(RequestOptions("a"), selfie))
    with house.engine.begin() as conn, pytest.raises(NotReady, match="has expired"):
        create_scene(
            conn, caller(house), SceneRequest(RequestOptions("b"), SceneOptions("neon-city"), avatar_job_id=avatar_job)
        )


@pytest.mark.parametrize("place", ["purge_files", "purge_sources"])
def test_a_pass_that_dies_between_object_and_row_is_completed_by_the_next(
    house: House, dies: Callable[[str], None], place: str
) -> None:
    house.selfie(kept_for=DAY)
    house.job(kept_for=DAY)
    house.pass_time(8 * DAY)
    dies(place)
    with pytest.raises(KeyboardInterrupt):
        house.purge()
    assert house.inventory().missing.count > 0
    house.purge()
    assert house.objects() == []
    assert house.inventory().is_sound
    assert house.purge() == house.purge(), "a third pass finds nothing"


def test_a_pass_that_dies_before_the_objects_leaves_the_rows(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    selfie = house.selfie(kept_for=DAY)
    house.pass_time(2 * DAY)

    def fail(_: object) -> int:
        raise OSError("the store is down")

    monkeypatch.setattr(house.store, "delete", fail)
    with pytest.raises(OSError, match="down"):
        house.purge()
    assert house.asset_state(selfie) == "ready"
    assert house.inventory().is_sound


def test_an_upload_that_is_completed_during_the_purge_is_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = house.upload()
    house.pass_time(25 * HOUR)
    delete = house.store.delete

    def complete_meanwhile(keys: object) -> int:
        cleaned = house.put(f"assets/{house.world.owner.account_id}/{upload}.jpg")
        with house.engine.begin() as conn:
            conn.execute(
                text(
                    "UPDATE assets SET state = 'ready', object_key = :key, size_bytes = 1, sha256 = '' WHERE id = :id"
                ),
                {"key": cleaned, "id": upload},
            )
        return delete(keys)  # type: ignore[arg-type]

    monkeypatch.setattr(house.store, "delete", complete_meanwhile)
    assert house.purge().files == 0
    assert house.asset_state(upload) == "ready"
    assert house.inventory().is_sound


def test_a_pass_takes_bounded_batches_and_the_next_pass_continues(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.upkeep.retention.BATCH_SIZE", 2)
    monkeypatch.setattr("jobs.upkeep.retention.purge_expired.__kwdefaults__", {"batches": 2})
    for _ in range(5):
        house.selfie(kept_for=DAY)
    house.pass_time(2 * DAY)
    assert [house.purge().files for _ in range(3)] == [4, 1, 0]
