"""The media operations as the rest of the system calls them: each runs in a child process of its own.

All of them take paths of local files, write `target` whole or not at all, may be repeated, and raise a `MediaError`
for whatever is wrong with the source; a missing source is a `FileNotFoundError`, and `MediaInterrupted` is raised where
the child came to no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from jobs.media.errors import MediaError
from jobs.media.facts import ImageFacts, VideoFacts, VideoProbe, from_reply
from jobs.media.isolation import NOT_PROCESSED, OnProgress, run_isolated
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
)

F = TypeVar("F", ImageFacts, VideoFacts)


def clean_selfie(source: Path, target: Path, *, limits: PictureLimits = SELFIE_LIMITS) -> ImageFacts:
    """Write a JPEG of nothing but the selfie's pixels: upright, sRGB, opaque, its long side at most 1536 pixels."""
    return _write(ImageFacts, "clean_selfie", source, target, {"limits": asdict(limits)}, PICTURE_CHILD)


def normalise_avatar(source: Path, target: Path, *, limits: PictureLimits = OUTPUT_LIMITS) -> ImageFacts:
    """Write a PNG of exactly 1024×1024. A picture that is not square is fitted in whole, its border continued."""
    return _write(ImageFacts, "normalise_avatar", source, target, {"limits": asdict(limits)}, PICTURE_CHILD)


def normalise_scene(source: Path, target: Path, *, limits: PictureLimits = OUTPUT_LIMITS) -> ImageFacts:
    """Write a PNG of exactly 1920×1080: the picture's middle in 16:9, scaled and never stretched."""
    return _write(ImageFacts, "normalise_scene", source, target, {"limits": asdict(limits)}, PICTURE_CHILD)


def normalise_video(
    source: Path,
    target: Path,
    *,
    seconds: int,
    settings: VideoSettings = VIDEO_SETTINGS,
    limits: VideoLimits = VIDEO_LIMITS,
    child: ChildLimits = VIDEO_CHILD,
    on_progress: OnProgress | None = None,
) -> VideoFacts:
    """Write an MP4 of 1920×1080 in H.264 High 4.0, 30 pictures a second, `seconds` × 30 of them, without sound.

    A source that is so already is copied. `on_progress` is called in this thread with the share done, 0 to 1, about
    every half second; what it raises ends the child and goes on to the caller.
    """
    options = {"seconds": seconds, "settings": asdict(settings), "limits": asdict(limits)}
    return _write(VideoFacts, "normalise_video", source, target, options, child, on_progress)


def make_poster(video: Path, target: Path, *, limits: VideoLimits = VIDEO_LIMITS) -> ImageFacts:
    """Write the picture that the video shows at one second as a WebP of 1920×1080."""
    return _write(ImageFacts, "make_poster", video, target, {"limits": asdict(limits)}, PICTURE_CHILD)


def probe_video(path: Path, *, limits: VideoLimits = VIDEO_LIMITS) -> VideoProbe:
    """Return what a video really is: pictures counted, rate taken from time stamps, index found in the file."""
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
        if not partial.is_file() or partial.stat().st_size != facts.size_bytes:
            raise MediaError(NOT_PROCESSED, "the child did not write what it reported")
    return facts


@contextmanager
def _arriving(target: Path) -> Iterator[Path]:
    """Give a path beside `target` that becomes `target` in the end, and leaves nothing behind on failure."""
    partial = target.with_name(target.name + ".partial")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


R = TypeVar("R", ImageFacts, VideoFacts, VideoProbe)


def _checked(kind: type[R], reply: dict[str, object]) -> R:
    try:
        return from_reply(kind, reply)
    except ValueError as error:
        raise MediaError(NOT_PROCESSED, str(error)) from error
