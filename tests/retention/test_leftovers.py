"""Objects that no row names: the purge finds them in the bucket, and the inventory reports them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from db.statements import as_json, execute
from db.upkeep.retention import NamedObject
from jobs.upkeep.inventory import merged
from jobs.upkeep.retention import Leftovers, purge_posted
from statemachine.vocabulary import State
from storage import ObjectInfo
from storage.client import s3_client
from storage.keys import upload_key
from storage.uploads import unfinished
from tests.retention.account_files import AccountFiles

HOUR = timedelta(hours=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def add_leftovers(files: AccountFiles) -> list[str]:
    """Add the objects that late workers and browsers leave behind, and return their keys."""
    ended, failed, upload = files.job(), files.job(State.FAILED), files.upload()
    with files.engine.begin() as conn:
        conn.execute(text("UPDATE assets SET state = 'rejected', rejection = 'no face' WHERE id = :id"), {"id": upload})
    account = files.world.owner.account_id
    names = (f"{ended}/2/source.png", f"{ended}/1/avatar-640.webp", f"{failed}/1/avatar.png")
    planted = [files.put(f"jobs/{name}") for name in names]
    return [*planted, f"uploads/{account}/{upload}"]


def test_leftovers_are_purged_after_the_grace_and_all_other_objects_are_kept(files: AccountFiles) -> None:
    files.selfie(kept_for=None)
    leftover_keys = add_leftovers(files)
    named = set(files.objects()) - set(leftover_keys)
    assert files.purge_left() == 0, "younger than the grace"
    files.pass_time(2 * HOUR)
    assert files.purge_left() == len(leftover_keys)
    assert set(files.objects()) == named
    assert files.inventory().is_sound


def test_the_parts_of_a_writer_that_died_are_removed_by_the_scan(files: AccountFiles) -> None:
    """Only old ones, and only those under keys of ours: a bucket may be shared."""
    settings = files.store._settings
    client = s3_client(settings, settings.endpoint_url)
    ours = f"jobs/{files.job(State.TRANSCODING)}/1/1/video.mp4"
    for key in (ours, "foreign/video.mp4"):
        client.create_multipart_upload(Bucket=settings.bucket, Key=key)
    files.purge_left()
    assert {each.key for each in unfinished(client, settings.bucket, "")} == {ours, "foreign/video.mp4"}
    files.pass_time(2 * HOUR)
    files.purge_left()
    (left,) = unfinished(client, settings.bucket, "")
    assert left.key == "foreign/video.mp4"
    client.abort_multipart_upload(Bucket=settings.bucket, Key=left.key, UploadId=left.upload_id)


def test_what_is_posted_after_an_upload_is_over_goes_at_once(files: AccountFiles) -> None:
    """The form is valid for some minutes longer; what it posts is not cleaned."""
    account, pending = files.world.owner.account_id, files.upload()
    over = {state: files.selfie(kept_for=None) for state in ("ready", "deleted")}
    with files.engine.begin() as conn:
        conn.execute(text("UPDATE assets SET state = 'deleted' WHERE id = :id"), {"id": over["deleted"]})
    kept = files.objects()
    for asset_id in over.values():
        files.put(upload_key(account, asset_id))
    assert purge_posted(files.engine, files.store) == 2
    assert files.objects() == kept
    assert f"uploads/{account}/{pending}" in kept
    assert purge_posted(files.engine, files.store) == 0


def test_objects_of_unfinished_jobs_and_pending_uploads_are_kept(files: AccountFiles) -> None:
    job_id = files.job(State.STORING)
    upload = files.upload()
    files.put(f"jobs/{job_id}/1/source.png")
    files.put(f"assets/{files.world.owner.account_id}/{upload}.jpg")
    files.pass_time(2 * HOUR)
    assert files.purge_left() == 0


def test_objects_unknown_to_the_database_are_reported_and_kept(files: AccountFiles) -> None:
    foreign = [files.put("foreign/file.txt"), files.put(f"jobs/{uuid4()}/1/source.png")]
    files.pass_time(2 * HOUR)
    assert files.purge_left() == 0
    assert sorted(files.inventory().unnamed.first) == sorted(foreign)


def test_a_file_that_was_missed_is_ready_again_once_its_object_is_seen(files: AccountFiles) -> None:
    """A worker that read another bucket loses nothing."""
    seen, gone = files.selfie(kept_for=None), files.selfie(kept_for=3 * HOUR)
    job_id = files.job()
    with files.engine.begin() as conn:
        lost = conn.execute(text("SELECT id, object_key FROM assets")).all()
        rows = [{"id": str(row.id), "object_key": row.object_key} for row in lost]
        execute(conn, "lose_assets", given={"rows": as_json(rows)})
    objects = files.objects()
    files.store.delete([key for key in objects if str(gone) in key])
    files.pass_time(2 * HOUR)
    assert (files.purge_left(), len(files.objects())) == (0, len(objects) - 2)
    output_id = files.scalar("SELECT output_id FROM jobs WHERE id = :id", id=job_id)
    assert [files.asset_state(each) for each in (seen, gone, output_id)] == ["ready", "missing", "ready"]
    files.pass_time(4 * HOUR)
    assert files.purge().files == 1
    assert files.asset_state(gone) == "deleted"


def test_the_bucket_is_read_in_batches(files: AccountFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.upkeep.retention.BATCH_SIZE", 2)
    job_id = files.job(State.CANCELED)
    for number in range(5):
        files.put(f"jobs/{job_id}/{number}/source.png")
    files.pass_time(2 * HOUR)
    leftovers = Leftovers(files.engine, files.store, HOUR)
    assert [leftovers.purge(batches=1) for _ in range(3)] == [2, 2, 1]
    assert leftovers.is_at_start
    assert files.objects() == []


def test_the_inventory_finds_leftovers_and_missing_objects(files: AccountFiles) -> None:
    files.selfie(kept_for=None)
    leftover_keys = add_leftovers(files)
    job_id = files.job()
    lost = [f"jobs/{job_id}/1/avatar.png", f"jobs/{job_id}/1/source.png"]
    files.store.delete(lost)
    assert files.inventory().is_sound, "younger than the grace"
    files.pass_time(2 * HOUR)
    found = files.inventory()
    assert (found.unnamed.count, sorted(found.unnamed.first)) == (len(leftover_keys), sorted(leftover_keys))
    assert (found.missing.count, found.missing.first) == (2, lost)


def test_a_pending_upload_may_have_no_object(files: AccountFiles) -> None:
    files.upload()
    files.store.delete(files.objects())
    files.pass_time(2 * HOUR)
    assert files.inventory().is_sound


def test_only_the_first_few_are_named_and_all_are_counted(files: AccountFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.upkeep.inventory.BATCH_SIZE", 3)
    for number in range(10):
        files.put(f"odd/{number}")
    files.pass_time(2 * HOUR)
    found = files.inventory()
    assert (found.objects, found.unnamed.count, len(found.unnamed.first)) == (10, 10, 5)


def test_both_sides_are_paired_by_their_keys() -> None:
    objects = (ObjectInfo(key, 1, NOW) for key in ("a", "b", "d"))
    rows = (NamedObject(key, True, NOW, NOW) for key in ("b", "c", "d", "e"))
    pairs = [(found and found.key, named and named.key) for found, named in merged(objects, rows)]
    assert pairs == [("a", None), ("b", "b"), (None, "c"), ("d", "d"), (None, "e")]
