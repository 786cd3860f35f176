"""Encodes a small copy of a video, for pages that show many, from the pictures of the video as they are finished.

Runs in the child process only. A preview never costs its video: if anything goes wrong with it, it is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from av.container import OutputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from jobs.media.encoder import FRAMES_PER_SECOND, add_encoder, open_target, packets_of
from jobs.media.errors import MediaError
from jobs.media.facts import ImageFacts, VideoProbe
from jobs.media.files import image_facts
from jobs.media.limits import VideoLimits
from jobs.media.mp4 import append_xmp
from jobs.media.probe import probe_video
from jobs.media.provenance import Origin
from jobs.media.sound import add_sound

WIDTH_PX: Final = 854
HEIGHT_PX: Final = 480
KEYFRAME_EVERY_FRAMES: Final = 60
# With its sound and the container, ten seconds stay below a megabyte whatever they show.
MAX_BITS_PER_S: Final = 600_000
MAX_BYTES: Final = 1_000_000
MAX_BYTES_PER_S: Final = 100_000
SOUND_BITS_PER_S: Final = 64_000
OPTIONS: Final = {
    # Half the time of `veryfast` for pictures as good; B-frames would take a quarter more. Vectors of whole pixels save
    # a sixth, for half a decibel that cannot be seen at this size.
    "preset": "superfast",
    "subq": "0",
    "bf": "0",
    "crf": "26",
    "profile": "high",
    "level": "3.1",
    "maxrate": str(MAX_BITS_PER_S),
    "bufsize": str(MAX_BITS_PER_S),
}
# The encoder of the video itself has the other processors.
THREADS: Final = 1

FAILURES: Final = (MediaError, FFmpegError, OSError, ValueError, MemoryError)


class Preview:
    """The preview at `target` while it is made; once `failed`, it takes nothing more.

    `failure` is the class of the error, if that is why.
    """

    def __init__(self, target: Path, origin: Origin) -> None:
        self._target = target
        self._tags, self._xmp = origin.tags(), origin.xmp()
        self._open = ExitStack()
        self._reformatter = VideoReformatter()
        self._last: tuple[VideoFrame, VideoFrame] | None = None
        self._out: tuple[OutputContainer, VideoStream] | None = None
        self.failed, self.failure = False, ""
        self._guarded(self._begin)

    def add(self, picture: VideoFrame) -> None:
        """Take the next picture of the video."""
        self._guarded(lambda: self._encode(self._scaled(picture)))

    def finish(self, samples: bytes | None, seconds: int, limits: VideoLimits) -> ImageFacts | None:
        """Finish the file with the sound of the video, and return its facts; None where it could not be made."""
        self._guarded(lambda: self._encode(None))
        self._guarded(self._open.close)
        made: list[ImageFacts] = []
        self._guarded(lambda: made.append(self._finished(samples, seconds, limits)))
        if self.failed:
            self.give_up()
        return made[0] if made else None

    def give_up(self) -> None:
        """Close and remove the file, so that another pass can write it."""
        self._guarded(self._open.close)
        self.failed = True
        self._target.unlink(missing_ok=True)

    def _begin(self) -> None:
        out = self._open.enter_context(open_target(self._target, self._tags))
        self._out = out, add_encoder(out, (WIDTH_PX, HEIGHT_PX), OPTIONS, KEYFRAME_EVERY_FRAMES, THREADS)

    def _scaled(self, picture: VideoFrame) -> VideoFrame:
        """Return the picture at the preview's size. One that is shown again, to fill up the rate, is scaled once."""
        if self._last is None or not _is_same(picture, self._last[0]):
            small = self._reformatter.reformat(
                picture, WIDTH_PX, HEIGHT_PX, "yuv420p", interpolation=Interpolation.AREA, threads=1
            )
            self._last = picture, small
        self._last[1].pts = picture.pts
        return self._last[1]

    def _encode(self, picture: VideoFrame | None) -> None:
        assert self._out is not None
        out, stream = self._out
        out.mux(packets_of(stream, picture))

    def _finished(self, samples: bytes | None, seconds: int, limits: VideoLimits) -> ImageFacts:
        """Add the sound and the mark. Each file is measured once, the one with sound before it replaces the other."""

        def check(path: Path) -> None:
            _check_written(probe_video(path, limits), seconds)

        if samples is None or not add_sound(samples, self._target, limits, self._tags, check, SOUND_BITS_PER_S):
            check(self._target)
        append_xmp(self._target, self._xmp)
        facts = image_facts(self._target, "video/mp4", (WIDTH_PX, HEIGHT_PX))
        _check_size(facts.size_bytes, seconds)
        return facts

    def _guarded(self, work: Callable[[], None]) -> None:
        if self.failed:
            return
        try:
            work()
        except FAILURES as error:
            self.failed, self.failure = True, type(error).__name__


def _is_same(one: VideoFrame, other: VideoFrame) -> bool:
    """Return whether both show the same pixels in memory, which stay there as long as one of them is kept."""
    return all(a.buffer_ptr == b.buffer_ptr for a, b in zip(one.planes, other.planes, strict=True))


def _check_written(written: VideoProbe, seconds: int) -> None:
    """Raise `MediaError` unless the preview is what was promised: it is measured, not assumed."""
    kept = (
        (written.width_px, written.height_px, written.frames) == (WIDTH_PX, HEIGHT_PX, seconds * FRAMES_PER_SECOND)
        and (written.codec, written.profile, written.pixel_format) == ("h264", "High", "yuv420p")
        and written.moov_first
        and written.starts_at_zero
        and written.content_type == "video/mp4"
    )
    if not kept:
        raise MediaError("The preview could not be made.", f"it does not conform: {written}")


def _check_size(size_bytes: int, seconds: int) -> None:
    if size_bytes > max(MAX_BYTES, seconds * MAX_BYTES_PER_S):
        raise MediaError("The preview could not be made.", f"it has {size_bytes} bytes")
