"""Each policy, over a real Postgres and a real object store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from jobs.errors import InputExpired
from jobs.identity import Principal
from jobs.providers.choice import ModelChoice
from jobs.requesting.creation import create_avatar, create_scene
from jobs.requesting.requests import AvatarRequest, RequestOptions, SceneOptions, SceneRequest
from jobs.steps.models import Models
from jobs.steps.prepare import PrepareParts, prepare
from jobs.support.redriving import retry_job
from statemachine.outcomes import Rejected
from statemachine.vocabulary import ErrorCode, Kind, State
from tests.retention.account_files import AccountFiles
from tests.support.factories import World, claimed

MODEL = ("openai/gpt-image-2.5-sunburst",)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def caller(files: AccountFiles) -> Principal:
    return Principal(files.world.owner.account_id, "partner", "test")


def test_an_upload_that_was_never_completed_is_purged_after_its_hours(files: AccountFiles) -> None:
    upload = files.upload()
    files.pass_time(23 * HOUR)
    assert files.purge(uploads=24 * HOUR).files == 0
    files.pass_time(25 * HOUR)
    assert files.purge(uploads=24 * HOUR).files == 1
    assert files.asset_state(upload) == "deleted"
    assert files.objects() == []


def test_a_selfie_is_purged_when_it_has_expired_and_not_before(files: AccountFiles) -> None:
    selfie = files.selfie(kept_for=30 * DAY)
    files.pass_time(29 * DAY)
    assert files.purge().files == 0
    files.pass_time(31 * DAY)
    assert files.purge().files == 1
    assert (files.asset_state(selfie), files.objects()) == ("deleted", [])


def test_files_that_never_expire_are_kept(files: AccountFiles) -> None:
    selfie = files.selfie(kept_for=None)
    job_id = files.job()
    before = files.objects()
    files.pass_time(4000 * DAY)
    assert files.purge(sources=None, history=None).files == 0
    assert (files.asset_state(selfie), files.objects()) == ("ready", before)
    assert files.scalar("SELECT count(*) FROM job_events WHERE job_id = :id", id=job_id) > 0


def test_finished_files_are_purged_when_they_have_expired(files: AccountFiles) -> None:
    job_id = files.job(kept_for=90 * DAY)
    files.pass_time(91 * DAY)
    assert files.purge(sources=None).files == 1
    assert files.scalar("SELECT a.state FROM assets a JOIN jobs j ON j.output_id = a.id") == "deleted"
    assert files.objects() == [f"jobs/{job_id}/1/source.png"]


def test_the_input_of_an_unfinished_job_is_kept_until_the_job_has_ended(files: AccountFiles) -> None:
    selfie = files.selfie(kept_for=DAY)
    with files.engine.begin() as conn:
        conn.execute(text("UPDATE assets SET expires_at = NULL WHERE state = 'deleted'"))
    files.world = type(files.world)(files.world.owner, selfie)
    working = files.job(State.GENERATING)
    parent = files.job(kept_for=DAY)
    child = files.job(State.QUEUED, kind=Kind.SCENE, parent_id=parent)
    files.pass_time(2 * DAY)
    assert files.purge().files == 0
    with files.engine.begin() as conn:
        ended = "UPDATE jobs SET state = 'failed', event = 'undone', seq = seq + 1, due_at = NULL, "
        ended += "error_code = 'internal', finished_at = diorama_now() WHERE id = :id"
        for job_id, event in ((working, "generation_failed"), (child, "cancel_requested")):
            conn.execute(
                text("UPDATE jobs SET state = 'compensating', event = :event, seq = seq + 1 WHERE id = :id"),
                {"id": job_id, "event": event},
            )
            conn.execute(text(ended), {"id": job_id})
    assert files.purge().files == 2


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED])
def test_originals_are_purged_some_days_after_their_job_has_ended(files: AccountFiles, state: State) -> None:
    job_id = files.job(state)
    with files.engine.begin() as conn:
        conn.execute(text("UPDATE attempts SET source_key = :key"), {"key": files.put(f"jobs/{job_id}/1/source.png")})
        conn.execute(text("UPDATE attempts SET completed_at = coalesce(completed_at, diorama_now())"))
    files.pass_time(6 * DAY)
    assert files.purge(sources=7 * DAY).sources == 0
    files.pass_time(8 * DAY)
    assert files.purge(sources=7 * DAY).sources == 1
    assert f"jobs/{job_id}/1/source.png" not in files.objects()
    assert files.scalar("SELECT count(source_key) FROM attempts") == 0


def test_a_job_whose_original_is_gone_is_redriven_from_its_submission(files: AccountFiles) -> None:
    files.world = World(files.world.owner, files.selfie(kept_for=None))
    job_id = files.job(State.FAILED)
    with files.engine.begin() as conn:
        key = files.put(f"jobs/{job_id}/1/source.png")
        conn.execute(text("UPDATE attempts SET source_key = :key, completed_at = diorama_now()"), {"key": key})
    files.pass_time(8 * DAY)
    files.purge()
    with files.engine.begin() as conn:
        assert retry_job(conn, caller(files), job_id).job.state is State.QUEUED


@pytest.mark.parametrize("is_purged", [False, True], ids=["expired", "removed"])
def test_a_job_whose_selfie_is_no_longer_kept_is_refused_at_once(files: AccountFiles, is_purged: bool) -> None:
    """The job is refused before and after the purge: it must not look as if it could still be made."""
    files.world = World(files.world.owner, files.selfie(kept_for=30 * DAY))
    job_id = files.job(State.FAILED)
    files.pass_time(31 * DAY)
    if is_purged:
        assert files.purge().files == 1
    with files.engine.begin() as conn, pytest.raises(InputExpired, match=r"selfie .* no longer kept\. Upload it again"):
        retry_job(conn, caller(files), job_id)
    assert files.scalar("SELECT state FROM jobs WHERE id = :id", id=job_id) == "failed"


def test_a_job_whose_parents_picture_is_no_longer_kept_is_refused_at_once(files: AccountFiles) -> None:
    avatar = files.job(kept_for=30 * DAY)
    scene = files.job(State.FAILED, kind=Kind.SCENE, parent_id=avatar)
    files.pass_time(31 * DAY)
    files.purge()
    with files.engine.begin() as conn, pytest.raises(InputExpired, match="avatar for this scene"):
        retry_job(conn, caller(files), scene)


def test_a_job_with_a_stored_source_no_longer_needs_its_selfie(files: AccountFiles) -> None:
    files.world = World(files.world.owner, files.selfie(kept_for=DAY))
    job_id = files.job(State.FAILED)
    with files.engine.begin() as conn:
        key = files.put(f"jobs/{job_id}/1/source.png")
        conn.execute(text("UPDATE attempts SET source_key = :key, completed_at = diorama_now()"), {"key": key})
    files.pass_time(2 * DAY)
    files.purge()
    with files.engine.begin() as conn:
        assert retry_job(conn, caller(files), job_id).job.state is State.TRANSCODING


def test_a_submission_without_its_picture_is_not_made(files: AccountFiles) -> None:
    """A second safeguard behind the refusal: a worker treats a deleted picture as missing."""
    files.world = World(files.world.owner, files.selfie(kept_for=None))
    job_id = files.job(State.QUEUED)
    with files.engine.begin() as conn:
        conn.execute(text("UPDATE assets SET state = 'deleted'"))
        job = claimed(conn, job_id)
    refused = prepare(job, PrepareParts(files.engine, Models(files.engine, ModelChoice(MODEL))))
    assert isinstance(refused, Rejected)
    assert refused.failure.code is ErrorCode.INPUT_EXPIRED


def test_originals_of_unfinished_jobs_are_kept(files: AccountFiles) -> None:
    job_id = files.job(State.TRANSCODING)
    files.pass_time(30 * DAY)
    assert files.purge().sources == 0
    assert files.objects() == [f"jobs/{job_id}/1/source.png"]


def test_no_new_job_starts_from_an_expired_file(files: AccountFiles) -> None:
    selfie = files.selfie(kept_for=DAY)
    avatar_job = files.job(kept_for=DAY)
    files.pass_time(2 * DAY)
    with files.engine.begin() as conn, pytest.raises(InputExpired, match="no longer kept"):
        create_avatar(conn, caller(files), AvatarRequest(RequestOptions("a"), selfie))
    with files.engine.begin() as conn, pytest.raises(InputExpired, match="no longer kept"):
        create_scene(
            conn, caller(files), SceneRequest(RequestOptions("b"), SceneOptions("neon-city"), avatar_job_id=avatar_job)
        )


@pytest.mark.parametrize("place", ["purge_files", "purge_sources"])
def test_a_pass_that_dies_between_object_and_row_is_completed_by_the_next(
    files: AccountFiles, dies: Callable[[str], None], place: str
) -> None:
    files.selfie(kept_for=DAY)
    files.job(kept_for=DAY)
    files.pass_time(8 * DAY)
    dies(place)
    with pytest.raises(KeyboardInterrupt):
        files.purge()
    assert files.inventory().missing.count > 0
    files.purge()
    assert files.objects() == []
    assert files.inventory().is_sound
    assert files.purge() == files.purge(), "a third pass finds nothing"


def test_a_pass_that_dies_before_the_objects_leaves_the_rows(
    files: AccountFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    selfie = files.selfie(kept_for=DAY)
    files.pass_time(2 * DAY)

    def fail(_: object) -> int:
        raise OSError("the store is down")

    monkeypatch.setattr(files.store, "delete", fail)
    with pytest.raises(OSError, match="down"):
        files.purge()
    assert files.asset_state(selfie) == "ready"
    assert files.inventory().is_sound


def test_an_upload_that_is_completed_during_the_purge_is_kept(
    files: AccountFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = files.upload()
    files.pass_time(25 * HOUR)
    delete = files.store.delete

    def complete_meanwhile(keys: object) -> int:
        cleaned = files.put(f"assets/{files.world.owner.account_id}/{upload}.jpg")
        with files.engine.begin() as conn:
            conn.execute(
                text(
                    "UPDATE assets SET state = 'ready', object_key = :key, size_bytes = 1, sha256 = '' WHERE id = :id"
                ),
                {"key": cleaned, "id": upload},
            )
        return delete(keys)  # type: ignore[arg-type]

    monkeypatch.setattr(files.store, "delete", complete_meanwhile)
    assert files.purge().files == 0
    assert files.asset_state(upload) == "ready"
    assert files.inventory().is_sound


def test_a_pass_takes_bounded_batches_and_the_next_pass_continues(
    files: AccountFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.upkeep.retention.BATCH_SIZE", 2)
    monkeypatch.setattr("jobs.upkeep.retention.purge_expired.__kwdefaults__", {"batches": 2})
    for _ in range(5):
        files.selfie(kept_for=DAY)
    files.pass_time(2 * DAY)
    assert [files.purge().files for _ in range(3)] == [4, 1, 0]
