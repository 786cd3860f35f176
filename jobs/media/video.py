"""Normalise a video to 1920×1080, 30 frames per second, H.264 High 4.0, `seconds` long, with its sound.

Runs in the child process only. Frames stream through one at a time, so memory does not grow with the clip.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL.Image import Image

from jobs.media.blank import BlankCheck
from jobs.media.errors import Damaged, MediaError
from jobs.media.facts import VideoFacts, VideoProbe
from jobs.media.framing import HEIGHT_PX, WIDTH_PX, FilterChain, Filters, deinterlacing, framing
from jobs.media.limits import VideoLimits, VideoSettings
from jobs.media.mp4 import append_xmp
from jobs.media.opening import OpeningCheck, read_scene
from jobs.media.probe import BT709, is_interlaced, pixel_aspect, probe_video
from jobs.media.provenance import COMMENT, XMP
from jobs.media.sound import add_sound
from jobs.media.source_video import DECODING_ALONE, DOES_NOT_DECODE, SourceVideo, open_video

FRAMES_PER_SECOND: Final = 30
MAX_LEVEL: Final = 40
# As far apart as our own: players seek from one to the next, and must decode everything between.
KEYFRAME_GAP_MAX_S: Final = 2.0
# What level 4.0 has room for at this size, and the presets that would take more.
MAX_REFERENCES: Final = 4
SLOW_PRESETS: Final = frozenset({"slow", "slower", "veryslow", "placebo"})
MAX_THREADS: Final = 12
TV_RANGE: Final = 1
PICTURE_TYPE_FREE: Final = 0

TAG_AS_BT709: Final = (
    "h264_metadata=colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1:video_full_range_flag=0"
)

Report = Callable[[float], None]


class FieldsBegin(Exception):
    """A video whose first pictures are whole goes on with pictures of two fields each."""


class ContentCheck:
    """Compares the pictures of one video, 30 a second, with what they must not show, and the first with the scene."""

    def __init__(self, scene: Image | None) -> None:
        self._blank, self._opening = BlankCheck(), OpeningCheck(scene)

    def add(self, picture: VideoFrame) -> None:
        """Take the next picture into account, or raise a `MediaError`."""
        self._opening.add(picture)
        self._blank.add(picture)

    def conclude(self) -> None:
        """Raise a `MediaError` unless the whole of the pictures is what it should be."""
        self._blank.conclude()


def normalise_video(
    source: Path,
    target: Path,
    seconds: int,
    settings: VideoSettings,
    limits: VideoLimits,
    report: Report,
    scene: Path | None = None,
) -> VideoFacts:
    """Write the video to `target` and return its facts; call `report` with the share done, 0 to 1.

    A source that already conforms is copied after checking that every frame decodes. Raises a `MediaError`; `Damaged`
    when the source is too short by more than `settings.missing_max_s`. One that is too long is cut off. Where `scene`
    is the picture that it was made from, it must begin with that.
    """
    first_picture = read_scene(scene) if scene else None
    found = probe_video(source, limits)
    _check_duration(found, seconds, settings.missing_max_s)
    remuxed = conforms(found, seconds) and not _has_fields(source, found.frames, limits, report, first_picture)
    if remuxed:
        _copy(source, target, found.color, limits)
    else:
        _transcode(source, target, seconds * FRAMES_PER_SECOND, settings, limits, report, first_picture)

    def check_with_sound(joined: Path) -> None:
        _check_written(probe_video(joined, limits), seconds, streams=2)

    has_sound = add_sound(source, target, seconds, limits, {"comment": COMMENT}, check_with_sound)
    append_xmp(target, XMP)
    written = probe_video(target, limits)
    _check_written(written, seconds, streams=2 if has_sound else 1)
    return written.facts(remuxed=remuxed)


def _check_duration(found: VideoProbe, seconds: int, missing_max_s: float) -> None:
    if found.duration_s < seconds - missing_max_s:
        raise Damaged(f"The video lasts {found.duration_s:.1f} seconds instead of {seconds}.")


def conforms(found: VideoProbe, seconds: int) -> bool:
    """Return whether the pictures can be kept as they are. Where the index stands and what else is in the file does not
    matter: copying puts both right."""
    return (
        found.content_type == "video/mp4"
        and (found.codec, found.profile, found.pixel_format) == ("h264", "High", "yuv420p")
        and (found.width_px, found.height_px, found.rotation_degrees) == (WIDTH_PX, HEIGHT_PX, 0)
        and (found.frames, found.frames_per_second) == (seconds * FRAMES_PER_SECOND, FRAMES_PER_SECOND)
        and found.level <= MAX_LEVEL
        and found.color in ("bt709", "untagged")
        and found.starts_at_zero
        and found.hidden_packets == 0
        and found.starts_with_keyframe
        and found.keyframe_gap_s <= KEYFRAME_GAP_MAX_S
        and found.constant_rate
        and found.progressive
        and found.square_pixels
        and not found.full_range
    )


def _check_written(written: VideoProbe, seconds: int, streams: int) -> None:
    """Raise `MediaError` unless the result is what was promised: it is measured, not assumed."""
    kept = conforms(written, seconds) and written.moov_first and written.streams == streams and written.color == "bt709"
    if not kept:
        raise MediaError("The video could not be converted.", f"the result does not conform: {written}")


def _has_fields(source: Path, frames: int, limits: VideoLimits, report: Report, scene: Image | None) -> bool:
    """Decode everything once, since a copy would carry along what only a decoder can see: damage, another picture.

    Return whether there are fields instead of whole pictures, which the first one need not show.
    """
    decoded, check, interlaced = 0, ContentCheck(scene), False
    with open_video(source, limits, DECODING_ALONE) as opened:
        for picture in opened.pictures():
            decoded += 1
            check.add(picture)
            interlaced = interlaced or picture.interlaced_frame
            report(min(1.0, decoded / frames))
    if decoded != frames:
        raise Damaged(DOES_NOT_DECODE, f"{decoded} of {frames} pictures decode")
    check.conclude()
    return interlaced


def _copy(source: Path, target: Path, color: str, limits: VideoLimits) -> None:
    with open_video(source, limits) as opened, _open_target(target) as out:
        stream = out.add_stream_from_template(opened.stream)
        tagging = BitStreamFilterContext(TAG_AS_BT709, opened.stream, stream) if color == "untagged" else None
        for packet in opened.packets():
            for copied in tagging.filter(packet) if tagging else [packet]:
                if copied.dts is not None:
                    copied.stream = stream
                    out.mux(copied)


def _open_target(target: Path) -> OutputContainer:
    """Open a file whose index is moved to the front when it is closed; that needs a real file, read a second time."""
    out = av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"})
    out.metadata["comment"] = COMMENT
    return out


def _transcode(
    source: Path,
    target: Path,
    frames: int,
    settings: VideoSettings,
    limits: VideoLimits,
    report: Report,
    scene: Image | None,
) -> None:
    try:
        _encode(source, target, frames, settings, limits, report, scene)
    except FieldsBegin:
        _encode(source, target, frames, settings, limits, report, scene, has_fields=True)


def _encode(
    source: Path,
    target: Path,
    frames: int,
    settings: VideoSettings,
    limits: VideoLimits,
    report: Report,
    scene: Image | None = None,
    *,
    has_fields: bool = False,
) -> None:
    check = ContentCheck(scene)
    with open_video(source, limits) as opened, _open_target(target) as out:
        stream = _add_encoder(out, settings)
        for done, picture in enumerate(_framed(opened, frames, has_fields)):
            check.add(picture)
            # The source's own keyframes would become keyframes here too.
            picture.pict_type = PICTURE_TYPE_FREE
            out.mux(_packets(stream, picture))
            report(done / frames)
        out.mux(_packets(stream, None))
        report(1)
    check.conclude()


def _packets(stream: VideoStream, picture: VideoFrame | None) -> list[Packet[VideoStream]]:
    return list(stream.encode(picture))


def _framed(source: SourceVideo, frames: int, has_fields: bool) -> Iterator[VideoFrame]:
    """Yield exactly `frames` pictures, 30 a second: late ones are cut off, the last one stands in for missing ones.

    Raises `FieldsBegin` at the first picture of fields, unless it is known by the header, or the first picture, or
    `has_fields`.
    """
    pictures = source.pictures()
    first = next(pictures, None)
    if first is None:
        raise Damaged(DOES_NOT_DECODE, "no picture decodes")
    has_fields = has_fields or is_interlaced(source.stream, first)
    filters = framing(first, pixel_aspect(source.stream), "yuv420p") + _timing(frames)
    if has_fields:
        filters = deinterlacing(0 if first.interlaced_frame else source.stream.codec_context.field_order) + filters
    filtered = FilterChain(first, source.time_base, filters)
    given = 0
    for picture in chain([first], pictures, [None]):
        if picture is not None and picture.interlaced_frame and not has_fields:
            raise FieldsBegin
        for framed in filtered.push(picture):
            yield framed
            given += 1
        if given == frames:
            return


def _timing(frames: int) -> Filters:
    return [
        ("setpts", "PTS-STARTPTS"),
        ("fps", f"{FRAMES_PER_SECOND}:round=near"),
        ("tpad", "stop_mode=clone:stop=-1"),
        ("trim", f"end_frame={frames}"),
    ]


def _add_encoder(out: OutputContainer, settings: VideoSettings) -> VideoStream:
    stream = out.add_stream("libx264", rate=FRAMES_PER_SECOND, options=_options(settings))
    stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, FRAMES_PER_SECOND)
    context.gop_size = settings.keyframe_every_frames
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = TV_RANGE
    context.thread_count = settings.threads or _threads()
    # PyAV's default, slices, took 40 % longer on two processors and compresses worse.
    context.thread_type = "FRAME"
    return stream


def _threads() -> int:
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(MAX_THREADS, processors * 3 // 2)


def _options(settings: VideoSettings) -> dict[str, str]:
    """Return x264's options. Both promises need help: the profile from quick presets, the level from slow ones."""
    return {
        "preset": settings.preset,
        "crf": str(settings.crf),
        "profile": "high",
        "level": "4.0",
        "8x8dct": "1",  # without it, as in `ultrafast`, the stream is Baseline whatever the profile asks for
        **({"refs": str(MAX_REFERENCES)} if settings.preset in SLOW_PRESETS else {}),
        "maxrate": str(settings.max_bits_per_s),
        "bufsize": str(settings.max_bits_per_s),
    }
