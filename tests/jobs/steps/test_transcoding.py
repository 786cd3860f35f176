"""Transcoding works on the stored output, and only an output known to be bad is generated again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from random import Random

import av
import c2pa  # type: ignore[import-untyped]
import pytest
from PIL import Image
from sqlalchemy import Engine, text

from db.elapsed import Instant, this_instant
from db.engine.claims import ClaimedJob
from db.engine.commands import cancel
from db.engine.row_changes import AssetMade, RowChange
from db.public_ids import IdKind, encode_id
from db.records.renditions import Rendition
from jobs.catalogue.themes import themes
from jobs.media import PictureFacts, normalise_avatar, operations
from jobs.media.errors import ERRORS
from jobs.media.limits import PICTURE_CHILD
from jobs.signing import SOUND, ManifestSigner
from jobs.steps.transcode import TranscodeParts, transcode
from jobs.upkeep.retention import RetentionPolicy
from statemachine.backoff import JobPolicy
from statemachine.decisions import decide
from statemachine.outcomes import Outcome, OutputInvalid, StepDone, StepFailed
from statemachine.vocabulary import Event, Kind, State
from storage import Content, S3Store
from storage.keys import attempt_prefix, lease_of, lease_prefix
from tests.jobs.media.making import Video
from tests.jobs.media.sources import MADE_AGAIN, REFUSALS, Refusal
from tests.support.certificates import write_chain
from tests.support.eventually import eventually
from tests.support.factories import World, claimed, make_job


@pytest.fixture
def job(engine: Engine, world: World) -> ClaimedJob:
    with engine.begin() as conn:
        return claimed(conn, make_job(conn, world, State.TRANSCODING))


def _stored(parts: TranscodeParts, job: ClaimedJob, content: bytes) -> None:
    parts.store.put_stream(job.source_key or "", iter([content]), content_type="image/png", max_bytes=10**6)


def _picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1024, 1024), "teal").save(file, "PNG")
    return file.getvalue()


def _outcome(job: ClaimedJob, parts: TranscodeParts) -> Outcome:
    work = transcode(job, parts)
    assert work is not None
    return work.outcome


def test_interrupted_work_is_repeated_on_the_stored_output(
    job: ClaimedJob, parts: TranscodeParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few tries the job is given up; it never returns to a step that pays."""
    _stored(parts, job, _picture())
    with monkeypatch.context() as patched:
        patched.setattr(operations, "PICTURE_CHILD", replace(PICTURE_CHILD, wall_s=0.0))
        interrupted = _outcome(job, parts)
    assert isinstance(interrupted, StepFailed)
    assert "MediaInterrupted" in (interrupted.failure.detail or "")
    facts, policy, moves = job.facts, JobPolicy(), []
    for _ in range(4):
        decision = decide(facts, interrupted, job.claimed_at, policy, Random(1))
        facts = replace(facts, failures=decision.failures)
        moves.append((decision.event, decision.to_state))
    assert moves == [(Event.POSTPONED, State.TRANSCODING)] * 3 + [(Event.GAVE_UP, State.COMPENSATING)]
    assert isinstance(_outcome(job, parts), StepDone)


def test_only_support_learns_the_fault_of_an_output(job: ClaimedJob, parts: TranscodeParts) -> None:
    _stored(parts, job, _picture()[:-200])
    outcome = _outcome(job, parts)
    assert isinstance(outcome, OutputInvalid)
    assert outcome.failure.detail is not None
    assert outcome.failure.detail.startswith("Damaged: The picture is cut off or damaged. ")
    assert "Damaged" not in outcome.failure.message


def test_a_picture_has_its_renditions_beside_it(job: ClaimedJob, parts: TranscodeParts) -> None:
    _stored(parts, job, _picture())
    work = transcode(job, parts)
    assert work is not None
    made, *renditions = work.row_changes
    assert isinstance(made, AssetMade)
    folder = lease_prefix(job.id, job.attempt, job.lease).rstrip("/")
    names = [f"{folder}/avatar-{width}.webp" for width in (320, 640, 1024)]
    assert [getattr(each, "object_key", None) for each in renditions] == names
    assert {getattr(each, "asset_id", None) for each in renditions} == {made.id}
    assert {each.key for each in parts.store.list(f"{folder}/avatar")} == {made.object_key, *names}


def test_a_picture_without_copies_is_kept(
    job: ClaimedJob, parts: TranscodeParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is paid for; what shows it falls back to the picture itself."""

    def without_copies(source: Path, target: Path, **_: object) -> PictureFacts:
        return normalise_avatar(source, target)

    monkeypatch.setattr(import_module("jobs.steps.transcode"), "normalise_avatar", without_copies)
    _stored(parts, job, _picture())
    work = transcode(job, parts)
    assert work is not None
    assert isinstance(work.outcome, StepDone)
    assert [type(each) for each in work.row_changes] == [AssetMade]


def test_what_earlier_leases_wrote_and_did_not_record_is_deleted(job: ClaimedJob, parts: TranscodeParts) -> None:
    """A dead worker's objects would otherwise stay until the bucket is scanned. Those of later leases are not ours."""
    _stored(parts, job, _picture())
    assert transcode(job.changed(lease=job.lease + 2), parts) is not None
    assert transcode(job.changed(lease=job.lease + 1), parts) is not None
    written = {lease_of(each.key) for each in parts.store.list(attempt_prefix(job.id, job.attempt))}
    assert written == {lease_of(job.source_key or ""), job.lease + 1, job.lease + 2}
    assert transcode(job.changed(lease=job.lease + 3), parts) is not None
    written = {lease_of(each.key) for each in parts.store.list(attempt_prefix(job.id, job.attempt))}
    assert written == {lease_of(job.source_key or ""), job.lease + 3}


def test_all_that_is_stored_is_signed_where_there_is_a_certificate(
    job: ClaimedJob, parts: TranscodeParts, tmp_path: Path
) -> None:
    _stored(parts, job, _picture())
    work = transcode(job, replace(parts, signer=ManifestSigner.of(*write_chain(tmp_path))))
    assert work is not None
    assert len(work.row_changes) == 4
    for made in work.row_changes:
        assert isinstance(made, AssetMade | Rendition)
        path = tmp_path / made.object_key.rpartition("/")[2]
        parts.store.download(made.object_key, path, max_bytes=10**7, content=Content(made.size_bytes, made.sha256))
        with c2pa.Reader(str(path)) as reader:
            assert reader.get_validation_state() in SOUND


@pytest.mark.media
def test_a_cancel_stops_the_encoder(engine: Engine, world: World, parts: TranscodeParts, tmp_path: Path) -> None:
    """Encoding takes several seconds, and the lease is renewed only after twenty."""
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world, State.TRANSCODING, kind=Kind.ANIMATION, duration_s=10))
    film = Video(size=(1280, 720), seconds=10).write(tmp_path / "film.mp4").read_bytes()
    parts.store.put_stream(job.source_key or "", iter([film]), content_type="video/mp4", max_bytes=10**8)
    with ThreadPoolExecutor() as other:
        making = other.submit(transcode, job, parts)
        assert eventually(lambda: not parts.keeper.renewer.is_idle)
        with engine.begin() as conn:
            assert cancel(conn, job.id, "api")
        assert making.result() is None


@pytest.mark.media
def test_the_percent_grows_while_a_video_is_encoded(
    engine: Engine, world: World, parts: TranscodeParts, tmp_path: Path
) -> None:
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world, State.TRANSCODING, kind=Kind.ANIMATION, duration_s=10))
    film = Video(size=(1280, 720), seconds=10).write(tmp_path / "film.mp4").read_bytes()
    parts.store.put_stream(job.source_key or "", iter([film]), content_type="video/mp4", max_bytes=10**8)
    work = transcode(job, parts)
    assert work is not None
    assert isinstance(work.outcome, StepDone)
    with engine.connect() as conn:
        percent = conn.scalar(text("SELECT percent FROM jobs"))
    assert percent is not None
    assert 90 < percent < 100
    folder = f"jobs/{job.id}/{job.attempt}/{job.lease}"
    _assert_beside(work.row_changes, parts.store, folder)
    for name in ("video.mp4", "video-854.mp4"):
        parts.store.download(f"{folder}/{name}", tmp_path / name, max_bytes=10**8)
        _assert_tags(tmp_path / name, job)


def _assert_tags(path: Path, job: ClaimedJob) -> None:
    """Check that a file names its job and its model, and no user."""
    with av.open(str(path)) as opened:
        tags = dict(opened.metadata)
    assert (tags["title"], tags["artist"]) == (themes()[job.theme].name if job.theme else "Animated scene", job.model)
    assert f" Job: {encode_id(IdKind.JOB, job.id)}. " in tags["comment"]
    data = path.read_bytes()
    assert not [each for each in (job.account_id, job.session_id, job.story_id, job.id) if str(each).encode() in data]


def _assert_beside(row_changes: Sequence[RowChange], store: S3Store, folder: str) -> None:
    """Check that the poster and its copies, the video and its preview are stored, and nothing else."""
    poster, video, *renditions = row_changes
    assert isinstance(poster, AssetMade)
    assert isinstance(video, AssetMade)
    assert video.poster_id == poster.id
    names = {
        each.object_key.removeprefix(f"{folder}/"): each.asset_id for each in renditions if isinstance(each, Rendition)
    }
    copies = {f"poster-{width}.webp": poster.id for width in (320, 640, 1280)}
    assert names == {**copies, "video-854.mp4": video.id}
    stored = {each.key.removeprefix(f"{folder}/") for each in store.list(f"{folder}/")}
    assert stored == {"poster.webp", "video.mp4", *names}


@pytest.mark.media
def test_a_video_is_compared_with_its_scene(
    engine: Engine, world: World, parts: TranscodeParts, tmp_path: Path
) -> None:
    """Another one is made again; one whose scene was deleted or changed in the meantime is kept as it is."""
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world, State.TRANSCODING, kind=Kind.ANIMATION, duration_s=6))
    film = Video(seconds=6).write(tmp_path / "film.mp4").read_bytes()
    parts.store.put_stream(job.source_key or "", iter([film]), content_type="video/mp4", max_bytes=10**8)
    assert isinstance(_outcome(job, parts), StepDone)
    picture = io.BytesIO()
    Image.effect_noise((1920, 1080), 80).save(picture, "PNG")
    scene = parts.store.put_stream(
        job.input_key or "", iter([picture.getvalue()]), content_type="image/png", max_bytes=10**7
    )
    assert isinstance(_outcome(job, parts), StepDone)
    outcome = _outcome(job.changed(input_bytes=scene.size_bytes, input_sha256=scene.sha256_hex), parts)
    assert isinstance(outcome, OutputInvalid)
    assert (outcome.failure.detail or "").startswith("Unrelated: ")


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.what)
def test_only_what_cannot_be_used_is_made_again(
    job: ClaimedJob, parts: TranscodeParts, monkeypatch: pytest.MonkeyPatch, refusal: Refusal
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise refusal.error("x")

    # The function `transcode` hides its module of the same name.
    monkeypatch.setattr(import_module("jobs.steps.transcode"), "normalise_avatar", refuse)
    _stored(parts, job, _picture())
    assert isinstance(_outcome(job, parts), OutputInvalid if refusal.reaction == MADE_AGAIN else StepFailed)


def test_every_error_of_a_file_has_its_reaction_on_the_page() -> None:
    assert set(ERRORS.values()) <= {refusal.error for refusal in REFUSALS}


def test_the_expiry_of_an_output_counts_from_its_creation(job: ClaimedJob, parts: TranscodeParts) -> None:
    """The job was claimed two hours before its transcoding ended."""
    two_hours_s = timedelta(hours=2).total_seconds()
    late = replace(parts, instant=lambda: Instant(*(clock_s + two_hours_s for clock_s in this_instant())))
    late = replace(late, retention=RetentionPolicy(outputs=timedelta(days=1)))
    _stored(parts, job, _picture())
    work = transcode(job, late)
    assert work is not None
    made = work.row_changes[0]
    assert isinstance(made, AssetMade)
    assert made.expires_at is not None
    assert made.expires_at >= job.claimed_at + timedelta(days=1, hours=2)


def test_an_output_expires_by_the_retention_of_its_kind(job: ClaimedJob, parts: TranscodeParts) -> None:
    policy = RetentionPolicy(outputs=timedelta(days=9), by_kind={job.kind: None})
    _stored(parts, job, _picture())
    work = transcode(job, replace(parts, retention=policy))
    assert work is not None
    assert [made.expires_at for made in work.row_changes if isinstance(made, AssetMade)] == [None]
