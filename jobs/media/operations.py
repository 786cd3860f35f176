"""The media operations for the rest of the system; each runs in its own child process.

They take paths of local files, write `target` completely or not at all, and may be repeated. They raise a `MediaError`
for a problem with the source, `FileNotFoundError` for a missing source, and `MediaInterrupted` when the child ends
without a response.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from jobs.media.errors import NOT_PROCESSED, MediaError
from jobs.media.facts import ImageFacts, PictureFacts, Renditions, VideoFacts, VideoProbe, from_reply
from jobs.media.isolation import OnProgress, run_isolated
from jobs.media.limits import (
    OUTPUT_LIMITS,
    PICTURE_CHILD,
    PROBE_CHILD,
    SELFIE_LIMITS,
    VIDEO_CHILD,
    VIDEO_LIMITS,
    VIDEO_SETTINGS,
    ChildLimits,
    PictureLimits,
    VideoLimits,
    VideoSettings,
    rendition_path,
)
from jobs.media.provenance import UNKNOWN, Origin

F = TypeVar("F", ImageFacts, PictureFacts, VideoFacts)


def clean_selfie(source: Path, target: Path, *, limits: PictureLimits = SELFIE_LIMITS) -> ImageFacts:
    """Write the selfie as a JPEG without metadata: upright, sRGB, opaque, long side at most 1536 pixels, below 1 MB."""
    return _write(ImageFacts, "clean_selfie", source, target, {"limits": asdict(limits)}, PICTURE_CHILD)


def make_model_input(source: Path, target: Path, *, limits: PictureLimits = OUTPUT_LIMITS) -> ImageFacts:
    """Write a picture for a model as a JPEG: upright, sRGB, on white, long side at most 1920 pixels, below 1 MB."""
    return _write(ImageFacts, "make_model_input", source, target, {"limits": asdict(limits)}, PICTURE_CHILD)


def normalise_avatar(
    source: Path,
    target: Path,
    *,
    renditions: Path | None = None,
    origin: Origin = UNKNOWN,
    limits: PictureLimits = OUTPUT_LIMITS,
) -> PictureFacts:
    """Write a 1024×1024 PNG. A picture that is not square is fitted in uncropped, and its border is extended.

    Its renditions go to the folder `renditions`; where they cannot be made, there are none. All name their `origin`.
    """
    return _write_picture("normalise_avatar", source, target, renditions, origin, limits)


def normalise_scene(
    source: Path,
    target: Path,
    *,
    renditions: Path | None = None,
    origin: Origin = UNKNOWN,
    limits: PictureLimits = OUTPUT_LIMITS,
) -> PictureFacts:
    """Write a 1920×1080 PNG: crop the picture to 16:9 around its subject, and never stretch it.

    Its renditions go to the folder `renditions`; where they cannot be made, there are none. All name their `origin`.
    """
    return _write_picture("normalise_scene", source, target, renditions, origin, limits)


def _write_picture(
    operation: str,
    source: Path,
    target: Path,
    renditions: Path | None,
    origin: Origin,
    limits: PictureLimits,
    **given: str,
) -> PictureFacts:
    options = {**given, "limits": asdict(limits), "origin": asdict(origin), "renditions": _absolute(renditions)}
    facts = _write(PictureFacts, operation, source, target, options, PICTURE_CHILD)
    if renditions is not None:
        renditions_in(renditions, facts.renditions)
    return facts


def add_label(
    source: Path,
    target: Path,
    text: str,
    *,
    renditions: Path | None = None,
    origin: Origin = UNKNOWN,
    limits: PictureLimits = OUTPUT_LIMITS,
) -> PictureFacts:
    """Write a finished picture as a PNG with `text`, printable ASCII, on a plate in its upper left corner.

    Its renditions, with the same label, go to the folder `renditions`; where they cannot be made, there are none. All
    name their `origin`.
    """
    return _write_picture("add_label", source, target, renditions, origin, limits, text=text)


def normalise_video(
    source: Path,
    target: Path,
    *,
    seconds: int,
    scene: Path | None = None,
    poster: Path | None = None,
    renditions: Path | None = None,
    preview: Path | None = None,
    origin: Origin = UNKNOWN,
    label: str = "",
    settings: VideoSettings = VIDEO_SETTINGS,
    limits: VideoLimits = VIDEO_LIMITS,
    child: ChildLimits = VIDEO_CHILD,
    on_progress: OnProgress | None = None,
) -> VideoFacts:
    """Write a 1920×1080 MP4 in H.264 High 4.0 at 30 frames per second with `seconds` × 30 frames, and its sound.

    A source that already conforms is copied, unless `label` is to be drawn into its pictures. One that does not begin
    with `scene`, the picture it was made from, raises `Unrelated`; a scene that is None, or does not decode, is not
    compared. `poster` is where a still of it goes, a 1920×1080 WebP, `renditions` the folder of the poster's own, and
    `preview` where a copy of 854×480 goes; the facts say what there is. Both MP4s name their `origin`. Where an error
    is raised, any may be there. `on_progress` is
    called in this thread with the share done, 0 to 1, about every half second; an exception that it raises ends the
    child and propagates.
    """
    named = {"scene": scene, "poster": poster, "renditions": renditions, "preview": preview}
    files = {name: _absolute(path) for name, path in named.items()}
    options = {**video_options(seconds, settings, limits, origin, label), **files}
    facts = _write(VideoFacts, "normalise_video", source, target, options, child, on_progress)
    for path, made in ((poster, facts.poster), (preview, facts.preview)):
        if path is not None and made is not None:
            _written(path, made)
    if renditions is not None and facts.poster is not None:
        renditions_in(renditions, facts.poster.renditions)
    return facts


def video_options(
    seconds: int, settings: VideoSettings, limits: VideoLimits, origin: Origin = UNKNOWN, label: str = ""
) -> dict[str, object]:
    """Return the options of `normalise_video` as its child reads them, apart from the files beside the video."""
    given = {"settings": asdict(settings), "limits": asdict(limits), "origin": asdict(origin)}
    return {"seconds": seconds, "label": label, **given}


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def make_renditions(
    picture: Path, folder: Path, *, is_generated: bool, limits: PictureLimits = OUTPUT_LIMITS
) -> dict[Path, ImageFacts]:
    """Write smaller WebP copies of a finished picture into `folder`, and return the facts of each by its path.

    There is one for each width of `RENDITION_WIDTHS_PX` below the picture's own, and one of its own width unless it is
    a WebP. Where an error is raised, `folder` may have some of them.
    """
    picture.stat()
    options = {"is_generated": is_generated, "limits": asdict(limits)}
    reply = run_isolated("make_renditions", picture, folder, options, limits=PICTURE_CHILD)
    return renditions_in(folder, _checked(Renditions, reply).made)


def renditions_in(folder: Path, made: Iterable[ImageFacts]) -> dict[Path, ImageFacts]:
    """Return the facts of each rendition by its path; MediaError unless each was written as it was reported."""
    return {_written(rendition_path(folder, facts.width_px), facts): facts for facts in made}


def probe_video(path: Path, *, limits: VideoLimits = VIDEO_LIMITS) -> VideoProbe:
    """Measure a video: count its frames, take its rate from timestamps and find its index in the file."""
    path.stat()
    return _checked(VideoProbe, run_isolated("probe_video", path, path, {"limits": asdict(limits)}, limits=PROBE_CHILD))


def _write(
    kind: type[F],
    operation: str,
    source: Path,
    target: Path,
    options: Mapping[str, object],
    child: ChildLimits,
    on_progress: OnProgress | None = None,
) -> F:
    source.stat()
    with _arriving(target) as partial:
        reply = run_isolated(operation, source, partial, options, limits=child, on_progress=on_progress)
        facts = _checked(kind, reply)
        _written(partial, facts)
    return facts


def _written(path: Path, facts: ImageFacts | VideoFacts) -> Path:
    """Return the path of a file that is as large as reported; MediaError for any other."""
    if not path.is_file() or path.stat().st_size != facts.size_bytes:
        raise MediaError(NOT_PROCESSED, "the child did not write what it reported")
    return path


@contextmanager
def _arriving(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` on success and delete it on failure."""
    partial = target.with_name(target.name + ".partial")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


R = TypeVar("R", ImageFacts, PictureFacts, Renditions, VideoFacts, VideoProbe)


def _checked(kind: type[R], reply: dict[str, object]) -> R:
    try:
        return from_reply(kind, reply)
    except ValueError as error:
        raise MediaError(NOT_PROCESSED, str(error)) from error
