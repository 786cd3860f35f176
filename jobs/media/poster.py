"""Takes the still picture that stands for a video until it plays. Runs in the child process only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from av.video.frame import VideoFrame
from PIL import Image

from jobs.media.errors import Damaged
from jobs.media.facts import ImageFacts
from jobs.media.framing import FilterChain, first_out, framing
from jobs.media.images import save_webp
from jobs.media.limits import VideoLimits
from jobs.media.probe import pixel_aspect
from jobs.media.source_video import DECODING_ALONE, DOES_NOT_DECODE, SourceVideo, open_video

POSTER_AT_S: Final = 1.0
POSTER_QUALITY: Final = 80


def make_poster(video: Path, target: Path, limits: VideoLimits) -> ImageFacts:
    """Write the picture shown at one second, or the last one of a shorter video, as a WebP of 1920×1080."""
    with open_video(video, limits, DECODING_ALONE) as source:
        picture = _picture_at(source, POSTER_AT_S)
        filters = framing(picture, pixel_aspect(source.stream), "rgb24")
        framed = first_out(FilterChain(picture, source.time_base, filters), picture)
    if framed is None:
        raise Damaged(DOES_NOT_DECODE, "the picture does not come out of its filters")
    return save_webp(picture_of(framed), target, POSTER_QUALITY)


def picture_of(frame: VideoFrame) -> Image.Image:
    """Return an rgb24 frame as a Pillow image."""
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image


def _picture_at(source: SourceVideo, at_s: float) -> VideoFrame:
    """Decode forward to `at_s`: seeking would land on the keyframe before it, often the very first picture."""
    last: VideoFrame | None = None
    for picture in source.pictures():
        last = picture
        if picture.pts is not None and picture.pts * source.time_base >= at_s:
            break
    if last is None:
        raise Damaged(DOES_NOT_DECODE, "no picture decodes")
    return last
