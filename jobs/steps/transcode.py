"""Transcode: bring an output to its exact size, codec and rate, and store the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import structlog

from db.elapsed import Instant, this_instant
from db.engine.claims import ClaimedJob
from db.ids import new_id
from db.public_ids import IdKind, encode_id
from db.records.renditions import Rendition
from jobs.catalogue.themes import Theme, themes
from jobs.engine.lease_times import LeaseKeeper
from jobs.engine.leases import KeptLease, LeaseLost
from jobs.engine.recorder import Recorder
from jobs.media import (
    OUTPUT_LIMITS,
    ImageFacts,
    MediaError,
    MediaInterrupted,
    Origin,
    PictureFacts,
    VideoFacts,
    add_label,
    normalise_avatar,
    normalise_scene,
    normalise_video,
    renditions_in,
)
from jobs.providers import failures
from jobs.providers.profiles import profiles
from jobs.redaction import redacted
from jobs.renditions import store_renditions, store_working_copy
from jobs.signing import ManifestSigner, SigningError
from jobs.steps.failures import source_altered, storage_failure, surprise
from jobs.steps.finished_file import FinishedFile
from jobs.steps.progress import Progress
from jobs.steps.result import Work
from jobs.upkeep.retention import RetentionPolicy
from statemachine.outcomes import Failure, OutputInvalid, RetryPolicy, StepDone, StepFailed
from statemachine.vocabulary import ErrorCode, Kind, Step
from storage import Content, ObjectAltered, ObjectMissing, ObjectTooLarge, S3Store, StorageError
from storage.keys import attempt_prefix, lease_of, output_key

log = structlog.get_logger(__name__)

# The folder, beside a picture, of the copies that are made with it.
_COPIES = "copies"
# The titles of files that have no theme.
_TITLES = {Kind.AVATAR: "Avatar", Kind.SCENE: "Scene", Kind.ANIMATION: "Animated scene"}


@dataclass(frozen=True, slots=True)
class TranscodeParts:
    """The collaborators of the transcode step."""

    store: S3Store
    keeper: LeaseKeeper
    recorder: Recorder
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    instant: Callable[[], Instant] = this_instant
    signer: ManifestSigner | None = None
    visible_label: str = ""
    themes: Mapping[str, Theme] = field(default_factory=themes)


@dataclass(frozen=True, slots=True)
class _Made:
    """The output in its exact size, codec and rate, and a still of a video."""

    output: FinishedFile
    poster: FinishedFile | None = None


def transcode(job: ClaimedJob, parts: TranscodeParts) -> Work | None:
    """Make the finished files of a job; None where its lease was lost on the way."""
    with (
        TemporaryDirectory(prefix="diorama-transcode-") as folder,
        parts.keeper.keeping(job, Step.TRANSCODE) as lease,
    ):
        try:
            return _finished(job, _make(job, Path(folder), lease, parts), parts)
        except MediaError as error:
            message = "The picture service returned something unusable. Please try again."
            failure = Failure(ErrorCode.OUTPUT_INVALID, message, RetryPolicy.RETRY, redacted(error.for_support))
            return Work(job, OutputInvalid(failure))
        except (MediaInterrupted, SigningError) as error:
            # What was paid for is in our storage, and nothing is known to be wrong with it.
            return Work(job, StepFailed(surprise(error)))
        except ObjectMissing as error:
            # Waiting would not bring it back: it is made again.
            return Work(job, OutputInvalid(failures.output_expired(f"our own copy is gone: {error}")))
        except ObjectAltered as error:
            log.error("a source is not what was stored", job_id=encode_id(IdKind.JOB, job.id), reason=str(error))
            return Work(job, OutputInvalid(source_altered(error)))
        except StorageError as error:
            return Work(job, StepFailed(storage_failure(error)))
        except LeaseLost:
            return None


def _make(job: ClaimedJob, folder: Path, lease: KeptLease, parts: TranscodeParts) -> _Made:
    _delete_unrecorded(job, parts.store)
    source = folder / "source"
    most_bytes = profiles()[job.model or ""].output_bytes_max
    parts.store.download(job.source_key or "", source, max_bytes=most_bytes, content=_source_content(job))
    lease.check()
    match job.kind:
        case Kind.AVATAR:
            return _make_picture(job, "avatar", normalise_avatar, folder, parts)
        case Kind.SCENE:
            return _make_picture(job, "scene", normalise_scene, folder, parts)
        case Kind.ANIMATION:
            return _make_video(job, source, folder, lease, parts)


def _delete_unrecorded(job: ClaimedJob, store: S3Store) -> None:
    """Delete what earlier leases of the attempt wrote and did not live to record, which no row can ever name."""
    found = (each.key for each in store.list(attempt_prefix(job.id, job.attempt)))
    store.delete([key for key in found if key != job.source_key and (lease_of(key) or 0) < job.lease])


def _source_content(job: ClaimedJob) -> Content | None:
    """Return the size and digest of the source, as the store step wrote them with its key."""
    if job.source_bytes is None or job.source_sha256 is None:
        return None
    return Content(job.source_bytes, job.source_sha256)


def _make_picture(
    job: ClaimedJob, role: str, normalise: Callable[..., PictureFacts], folder: Path, parts: TranscodeParts
) -> _Made:
    """Keep a picture, and where it gets a label, its working copy without it: a model would redraw or animate that."""
    source, picture, copies = folder / "source", folder / f"{role}.png", folder / _COPIES
    origin = _origin(job, parts.themes)
    if not parts.visible_label:
        made = normalise(source, picture, renditions=copies, origin=origin)
        return _Made(_keep_picture(job, role, picture, made, parts))
    working_copy = folder / "unlabelled.png"
    facts = normalise(source, working_copy, origin=origin)
    shown = add_label(working_copy, picture, parts.visible_label, renditions=copies, origin=origin)
    kept = _keep_picture(job, role, picture, shown, parts)
    unlabelled = store_working_copy(parts.store, working_copy, facts, kept.id, kept.object_key)
    return _Made(replace(kept, renditions=(*kept.renditions, unlabelled)))


def _make_video(job: ClaimedJob, source: Path, folder: Path, lease: KeptLease, parts: TranscodeParts) -> _Made:
    video, poster, preview = folder / "video.mp4", folder / "poster.webp", folder / "preview.mp4"
    facts = normalise_video(
        source,
        video,
        seconds=job.duration_s or 6,
        scene=_scene(job, folder, parts),
        poster=poster,
        renditions=folder / _COPIES,
        preview=preview,
        origin=_origin(job, parts.themes),
        label=parts.visible_label,
        on_progress=_reporting(job, lease, parts),
    )
    lease.check()
    if facts.preview is None:
        reason = redacted(facts.preview_failed)
        log.warning("a video has no preview", job_id=encode_id(IdKind.JOB, job.id), reason=reason)
    beside = {} if facts.preview is None else {preview: facts.preview}
    still = _keep_picture(job, "poster", poster, facts.poster, parts) if facts.poster else None
    return _Made(_keep(job, "video", video, facts, parts, beside), still)


def _origin(job: ClaimedJob, offered: Mapping[str, Theme]) -> Origin:
    """Return what the file says of itself to everyone who has it: nothing of the user, nor of what the user wrote."""
    theme = offered.get(job.theme or "")
    return Origin(theme.name if theme else _TITLES[job.kind], job.model or "", encode_id(IdKind.JOB, job.id))


def _scene(job: ClaimedJob, folder: Path, parts: TranscodeParts) -> Path | None:
    """Return a copy of the picture that the video was made from; None where it is gone or no longer what it was.

    What is paid for is then kept uncompared: a deleted scene says nothing about the video. Raises StorageError.
    """
    if job.input_key is None:
        return None
    picture = folder / "scene"
    content = Content(job.input_bytes or 0, job.input_sha256 or "")
    try:
        parts.store.download(job.input_key, picture, max_bytes=OUTPUT_LIMITS.max_bytes, content=content)
    except (ObjectMissing, ObjectAltered, ObjectTooLarge) as error:
        log.warning("a video is not compared with its scene", job_id=encode_id(IdKind.JOB, job.id), reason=str(error))
        return None
    return picture


def _reporting(job: ClaimedJob, lease: KeptLease, parts: TranscodeParts) -> Callable[[float], None]:
    """Return what is called with the share of the video that is encoded: it stops the encoder or records the share."""
    progress = Progress(job, parts.recorder)

    def report(share: float) -> None:
        lease.check()
        progress.report(share)

    return report


def _keep_picture(job: ClaimedJob, role: str, path: Path, facts: PictureFacts, parts: TranscodeParts) -> FinishedFile:
    """Store a finished picture and the copies that were made with it."""
    kept = _keep(job, role, path, facts, parts, renditions_in(path.with_name(_COPIES), facts.renditions))
    if not facts.renditions:
        ids = {"job_id": encode_id(IdKind.JOB, job.id), "asset_id": encode_id(IdKind.ASSET, kept.id)}
        log.warning("a picture has no copies", **ids, role=role, reason=redacted(facts.renditions_failed))
    return kept


def _keep(
    job: ClaimedJob,
    role: str,
    path: Path,
    facts: ImageFacts | VideoFacts,
    parts: TranscodeParts,
    beside: Mapping[Path, ImageFacts],
) -> FinishedFile:
    """Store a finished file and its renditions, which are `beside` it."""
    key = output_key(job.id, job.attempt, job.lease, role, path.suffix.removeprefix("."))
    _sign(path, facts, parts)
    stored = parts.store.put_file(key, path, content_type=facts.content_type)
    video = facts if isinstance(facts, VideoFacts) else None
    asset_id = new_id()
    return FinishedFile(
        id=asset_id,
        role=role,
        object_key=stored.key,
        content_type=facts.content_type,
        width_px=facts.width_px,
        height_px=facts.height_px,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256_hex,
        duration_s=video.duration_s if video else None,
        frames_per_second=video.frames_per_second if video else None,
        renditions=_keep_renditions(beside, asset_id, key, parts),
    )


def _keep_renditions(
    made: Mapping[Path, ImageFacts], asset_id: UUID, key: str, parts: TranscodeParts
) -> tuple[Rendition, ...]:
    for path, facts in made.items():
        _sign(path, facts, parts)
    return store_renditions(parts.store, made, asset_id, key)


def _sign(path: Path, facts: ImageFacts | VideoFacts, parts: TranscodeParts) -> None:
    if parts.signer is not None:
        parts.signer.sign(path, facts.content_type)


def _finished(job: ClaimedJob, made: _Made, parts: TranscodeParts) -> Work:
    expires_at = parts.retention.output_expires_at(job.kind, job.now(parts.instant()))
    poster = made.poster.asset(job, expires_at) if made.poster else None
    output = made.output.asset(job, expires_at, poster)
    files = (made.poster, made.output) if made.poster else (made.output,)
    renditions = (each for file in files for each in file.renditions)
    row_changes = (*((poster, output) if poster else (output,)), *renditions)
    return Work(job, StepDone(), row_changes, output_id=output.id)
