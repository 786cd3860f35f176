"""Writes our own MP4s: H.264 in BT.709, its index in front, with the tags that say what made them.

Runs in the child process only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from jobs.media.color_tags import BT709

FRAMES_PER_SECOND: Final = 30
TV_RANGE: Final = 1
PICTURE_TYPE_FREE: Final = 0
MAX_THREADS: Final = 12


def open_target(target: Path, tags: Mapping[str, str]) -> OutputContainer:
    """Open a file whose index is moved to the front when it is closed; that needs a real file, read a second time."""
    out = av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"})
    out.metadata.update(tags)
    return out


def add_encoder(
    out: OutputContainer, size_px: tuple[int, int], options: Mapping[str, str], keyframe_every_frames: int, threads: int
) -> VideoStream:
    """Add a stream of pictures of this size, encoded by x264 with these options."""
    stream = out.add_stream("libx264", rate=FRAMES_PER_SECOND, options=dict(options))
    stream.width, stream.height = size_px
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, FRAMES_PER_SECOND)
    context.gop_size = keyframe_every_frames
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = TV_RANGE
    context.thread_count = threads
    # PyAV's default, slices, took 40 % longer on two processors and compresses worse.
    context.thread_type = "FRAME"
    return stream


def packets_of(stream: VideoStream, picture: VideoFrame | None) -> list[Packet[VideoStream]]:
    """Encode the next picture, or finish with None, and return what is ready to be written."""
    if picture is not None:
        # The source's own keyframes would become keyframes here too.
        picture.pict_type = PICTURE_TYPE_FREE
    return list(stream.encode(picture))


def default_threads() -> int:
    """Return x264's own default, one and a half per processor, bounded."""
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(MAX_THREADS, processors * 3 // 2)
