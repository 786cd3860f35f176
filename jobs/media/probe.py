"""Measure a video: count its packets, read its timestamps and decode its first frame.

Runs in the child process only. Frame counts and rates in the header are not trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from jobs.media.color_tags import BT709, UNTAGGED
from jobs.media.errors import Damaged, TooLarge
from jobs.media.facts import VideoProbe
from jobs.media.limits import VideoLimits
from jobs.media.mp4 import moov_comes_first
from jobs.media.source_video import DOES_NOT_DECODE, SourceVideo, open_video

PROGRESSIVE_OR_UNKNOWN: Final = (0, 1)
FULL_RANGE: Final = 2


@dataclass(frozen=True, slots=True)
class Timing:
    """The presentation times of a video's frames. `shown_at` is sorted, in ticks of `time_base` seconds.

    `keyframes` are the times of those frames that decode on their own. `hidden` counts packets that are needed for
    decoding only because an edit list cuts off their frames.
    """

    shown_at: tuple[int, ...]
    last_lasts: int
    hidden: int
    keyframes: tuple[int, ...]
    starts_with_keyframe: bool
    time_base: Fraction

    @property
    def duration_s(self) -> float:
        """Return the time from the start of the first frame to the end of the last."""
        return float((self.shown_at[-1] + self.last_lasts - self.shown_at[0]) * self.time_base)

    @property
    def frames_per_second(self) -> float:
        """Return the mean rate from the first frame to the last, or for a single frame, one over its duration."""
        if len(self.shown_at) == 1:
            return 1 / self.duration_s if self.duration_s else 0.0
        return float((len(self.shown_at) - 1) / ((self.shown_at[-1] - self.shown_at[0]) * self.time_base))

    @property
    def keyframe_gap_s(self) -> float:
        """Return the longest time from a keyframe to the next, or to the end: how far back a seek may have to go."""
        stops = [*self.keyframes, self.shown_at[-1] + self.last_lasts]
        return float(max((later - earlier for earlier, later in pairwise(stops)), default=0) * self.time_base)

    @property
    def is_constant(self) -> bool:
        """Return whether all frames are evenly spaced, within one tick of rounding."""
        gaps = [later - earlier for earlier, later in pairwise(self.shown_at)]
        return not gaps or max(gaps) - min(gaps) <= (1 if min(gaps) > 1 else 0)


def read_timing(source: SourceVideo, limits: VideoLimits) -> Timing:
    """Read all packets without decoding them, or raise `Damaged` or `TooLarge`."""
    shown: list[tuple[int, int, bool]] = []
    read = 0
    starts_with_keyframe = False
    for packet in source.packets():
        at = packet.pts if source.format.has_display_times else packet.dts
        if at is None or packet.size == 0:
            continue  # the empty packet that ends the stream, or one of AVI's that repeat a picture
        read += 1
        if read > limits.max_packets:
            raise TooLarge(f"The video has more than {limits.max_packets} pictures.")
        starts_with_keyframe = packet.is_keyframe if read == 1 else starts_with_keyframe
        if not packet.is_discard:
            shown.append((at, packet.duration or 0, packet.is_keyframe))
    _check_complete(source, read, len(shown))
    shown.sort()
    _check_moves_on(shown)
    return _timing(shown, read - len(shown), starts_with_keyframe, source.time_base)


def _timing(shown: list[tuple[int, int, bool]], hidden: int, starts_with_keyframe: bool, time_base: Fraction) -> Timing:
    return Timing(
        shown_at=tuple(pts for pts, _, _ in shown),
        # Matroska does not always say how long a picture lasts.
        last_lasts=shown[-1][1] or (shown[-1][0] - shown[-2][0] if len(shown) > 1 else 0),
        hidden=hidden,
        keyframes=tuple(pts for pts, _, is_keyframe in shown if is_keyframe),
        starts_with_keyframe=starts_with_keyframe,
        time_base=time_base,
    )


def _check_complete(source: SourceVideo, read: int, shown: int) -> None:
    """Raise `Damaged` when the file has no pictures, or fewer packets than its index lists: its end is missing.

    The stream's own count cannot be used because it includes frames that an edit list has cut off.
    """
    listed = len(source.stream.index_entries) if source.format.counts_packets else 0
    if shown == 0 or read < listed:
        raise Damaged(DOES_NOT_DECODE, f"{read} of {listed} packets are there")


def _check_moves_on(shown: list[tuple[int, int, bool]]) -> None:
    """Raise `Damaged` when several frames all have the same timestamp, so that their times are unknown."""
    if len(shown) > 1 and shown[0][0] == shown[-1][0]:
        raise Damaged(DOES_NOT_DECODE, f"{len(shown)} pictures are shown at one time")


def probe_video(path: Path, limits: VideoLimits) -> VideoProbe:
    """Measure the video, or raise a `MediaError`."""
    with open_video(path, limits) as source:
        timing = read_timing(source, limits)
        comment = source.container.metadata.get("comment", "")
        streams = len(source.container.streams)
    # Open the file again: reading the packets has moved the first reader to the end.
    with open_video(path, limits) as source:
        first = next(source.pictures(), None)
        if first is None:
            raise Damaged(DOES_NOT_DECODE, "no picture decodes")
        return _probe(path, source, first, timing, streams, comment)


def _probe(
    path: Path, source: SourceVideo, first: VideoFrame, timing: Timing, streams: int, comment: str
) -> VideoProbe:
    context = source.stream.codec_context
    return VideoProbe(
        content_type=source.format.content_type,
        width_px=first.width,
        height_px=first.height,
        frames=len(timing.shown_at),
        frames_per_second=round(timing.frames_per_second, 3),
        duration_s=round(timing.duration_s, 3),
        codec=context.codec.canonical_name,
        size_bytes=path.stat().st_size,
        profile=context.profile or "",
        level=context.level,
        pixel_format=first.format.name,
        color=_color(first),
        full_range=first.color_range == FULL_RANGE,
        square_pixels=pixel_aspect(source.stream) == 1,
        progressive=not is_interlaced(source.stream, first),
        rotation_degrees=first.rotation,
        constant_rate=timing.is_constant,
        starts_at_zero=timing.shown_at[0] == 0,
        starts_with_keyframe=timing.starts_with_keyframe,
        keyframes=len(timing.keyframes),
        keyframe_gap_s=round(timing.keyframe_gap_s, 3),
        hidden_packets=timing.hidden,
        moov_first=moov_comes_first(path),
        streams=streams,
        comment=comment,
    )


def is_interlaced(stream: VideoStream, first: VideoFrame) -> bool:
    """Return whether the header or the first picture says that each picture consists of two fields."""
    return stream.codec_context.field_order not in PROGRESSIVE_OR_UNKNOWN or first.interlaced_frame


def _color(picture: VideoFrame) -> str:
    tags = {picture.colorspace, picture.color_primaries, picture.color_trc}
    return {frozenset({BT709}): "bt709", frozenset({UNTAGGED}): "untagged"}.get(frozenset(tags), "other")


def pixel_aspect(stream: VideoStream) -> Fraction:
    """Return a pixel's width ÷ height; assume square pixels where the stream does not say."""
    return stream.sample_aspect_ratio or Fraction(1)
