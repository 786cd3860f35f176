"""A labelled picture has a working copy without the label, from which the next model works and which has no address."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image
from sqlalchemy import Engine, text

from db.engine.claims import ClaimedJob
from db.engine.recording import record
from db.engine.row_changes import AssetMade
from db.records.renditions import Rendition, renditions_of
from db.upkeep.shared_objects import named_by_files
from jobs.steps.result import Work
from jobs.steps.transcode import TranscodeParts, transcode
from jobs.upkeep.retention import Leftovers, RetentionPolicy, purge_expired
from statemachine.vocabulary import Kind, State
from storage import S3Store
from storage.keys import job_prefix
from tests.support.factories import World, claimed, make_job, move_of


def _recorded(engine: Engine, job: ClaimedJob, parts: TranscodeParts) -> Work:
    work = transcode(job, parts)
    assert work is not None
    with engine.begin() as conn:
        assert record(conn, [move_of(job, work.outcome, *work.row_changes, output_id=work.output_id)]).moved
    return work


def _colors_at(store: S3Store, key: str, folder: Path) -> int:
    """Return how many colors the picture at a key has."""
    store.download(key, folder / "picture.png", max_bytes=10**7)
    return len(Image.open(folder / "picture.png").convert("RGB").getcolors(10**6) or [])


def test_the_next_model_works_from_the_copy_without_the_label(
    engine: Engine, world: World, job: ClaimedJob, parts: TranscodeParts, tmp_path: Path
) -> None:
    with engine.begin() as conn:
        scene = make_job(conn, world, State.WAITING, kind=Kind.SCENE, parent_id=job.id)
    work = _recorded(engine, job, replace(parts, visible_label="AI-generated"))
    avatar, *renditions = work.row_changes
    assert isinstance(avatar, AssetMade)
    (copy,) = (each for each in renditions if isinstance(each, Rendition) and each.is_working_copy)
    with engine.begin() as conn:
        given = claimed(conn, scene)
    assert (given.input_id, given.input_key) == (avatar.id, copy.object_key)
    assert (given.input_bytes, given.input_sha256) == (copy.size_bytes, copy.sha256)
    assert _colors_at(parts.store, copy.object_key, tmp_path) == 1
    assert _colors_at(parts.store, avatar.object_key, tmp_path) > 2


def test_the_working_copy_has_no_address_and_is_named(engine: Engine, job: ClaimedJob, parts: TranscodeParts) -> None:
    work = _recorded(engine, job, replace(parts, visible_label="AI-generated"))
    avatar = work.row_changes[0]
    assert isinstance(avatar, AssetMade)
    key = avatar.object_key.replace("avatar.", "avatar-unlabelled.")
    with engine.connect() as conn:
        shown = renditions_of(conn, [avatar.id])[avatar.id]
        assert named_by_files(conn, [key]) == {key}
    assert [each.width_px for each in shown] == [320, 640, 1024]
    assert key not in {each.object_key for each in shown}


def test_the_working_copy_goes_with_its_picture_and_not_before(
    engine: Engine, job: ClaimedJob, parts: TranscodeParts
) -> None:
    avatar = _recorded(engine, job, replace(parts, visible_label="AI-generated")).row_changes[0]
    assert isinstance(avatar, AssetMade)
    _age(engine)
    Leftovers(engine, parts.store, RetentionPolicy().grace).purge()
    folder = avatar.object_key.rpartition("/")[0]
    kept = {each.key.rpartition("/")[2] for each in parts.store.list(f"{folder}/avatar")}
    assert kept == {"avatar.png", "avatar-unlabelled.png", "avatar-320.webp", "avatar-640.webp", "avatar-1024.webp"}
    with engine.begin() as conn:
        conn.execute(text("UPDATE assets SET expires_at = now() - interval '1 hour' WHERE kind = 'avatar'"))
    purge_expired(engine, parts.store, RetentionPolicy())
    assert not [each.key for each in parts.store.list(job_prefix(job.id)) if "avatar" in each.key]


def _age(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET finished_at = finished_at - interval '1 day'"))


def test_without_a_label_there_is_no_working_copy(
    engine: Engine, world: World, job: ClaimedJob, parts: TranscodeParts, tmp_path: Path
) -> None:
    with engine.begin() as conn:
        scene = make_job(conn, world, State.WAITING, kind=Kind.SCENE, parent_id=job.id)
    avatar, *renditions = _recorded(engine, job, parts).row_changes
    assert isinstance(avatar, AssetMade)
    assert [each.object_key for each in renditions if isinstance(each, Rendition) and each.is_working_copy] == []
    with engine.begin() as conn:
        given = claimed(conn, scene)
    assert (given.input_key, given.input_sha256) == (avatar.object_key, avatar.sha256)
    assert _colors_at(parts.store, avatar.object_key, tmp_path) == 1
