"""Normalise a video to 1920×1080, 30 frames per second, H.264 High 4.0, `seconds` long, with its sound.

Runs in the child process only. Frames stream through one at a time, so memory does not grow with the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from av.bitstream import BitStreamFilterContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from jobs.media.bars import measure_layout
from jobs.media.encoder import FRAMES_PER_SECOND, add_encoder, default_threads, open_target, packets_of
from jobs.media.errors import Damaged, MediaError
from jobs.media.facts import VideoFacts, VideoProbe
from jobs.media.fields import FieldMeasure
from jobs.media.framing import FIRST_FIELD, FilterChain, Filters, deinterlacing, framing
from jobs.media.layout import HEIGHT_PX, WIDTH_PX, Box
from jobs.media.limits import VideoLimits, VideoSettings
from jobs.media.mp4 import append_xmp
from jobs.media.one_pass import Beside, OnePass
from jobs.media.opening import read_scene
from jobs.media.probe import is_interlaced, pixel_aspect, probe_video
from jobs.media.sound import add_sound, read_sound
from jobs.media.source_video import DECODING_ALONE, DOES_NOT_DECODE, SourceVideo, open_video

MAX_LEVEL: Final = 40
# As far apart as our own: players seek from one to the next, and must decode everything between.
KEYFRAME_GAP_MAX_S: Final = 2.0
# What level 4.0 has room for at this size, and the presets that would take more.
MAX_REFERENCES: Final = 4
SLOW_PRESETS: Final = frozenset({"slow", "slower", "veryslow", "placebo"})

TAG_AS_BT709: Final = (
    "h264_metadata=colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1:video_full_range_flag=0"
)

Report = Callable[[float], None]


class FieldsBegin(Exception):
    """A video turns out to consist of fields, or of fields in another `order`: `tff`, `bff`, or `auto` by its flags."""

    def __init__(self, order: str) -> None:
        self.order = order
        super().__init__(order)


def normalise_video(
    source: Path,
    target: Path,
    beside: Beside,
    seconds: int,
    settings: VideoSettings,
    limits: VideoLimits,
    report: Report,
    scene: Path | None = None,
    label: str = "",
) -> VideoFacts:
    """Write the video to `target`, and its poster and preview where `beside` names them; return the facts.

    `report` is called with the share done, 0 to 1. A source that already conforms is copied after checking that every
    frame decodes. Raises a `MediaError`; `Damaged` when the source is too short by more than `settings.missing_max_s`.
    One that is too long is cut off. Where `scene` is the picture that it was made from, it must begin with that.
    The tags of the source are not kept: only those of `beside.origin` are written.
    A video with a `label` is always encoded: a copy would show the pictures as they came.
    """
    found = probe_video(source, limits)
    _check_duration(found, seconds, settings.missing_max_s)
    layout = measure_layout(source, limits)
    begin = partial(OnePass, beside, read_scene(scene) if scene else None, label, layout)
    is_copied = conforms(found, seconds) and layout.keeps_pictures and not label
    seen = _proven(source, found.frames, begin, limits, report) if is_copied else None
    remuxed = seen is not None
    if seen is not None:
        _copy(source, target, found.color, limits, seen.tags)
    else:
        seen = _transcode(source, target, begin, seconds * FRAMES_PER_SECOND, settings, limits, report)

    def check_with_sound(joined: Path) -> None:
        _check_written(probe_video(joined, limits), seconds, streams=2)

    samples = read_sound(source, seconds, limits)
    if samples is not None and not add_sound(samples, target, limits, seen.tags, check_with_sound):
        samples = None
    append_xmp(target, seen.xmp)
    written = probe_video(target, limits)
    _check_written(written, seconds, streams=1 if samples is None else 2)
    poster, preview = seen.poster(), seen.preview(samples, seconds, limits)
    facts = written.facts(remuxed=remuxed, poster=poster, preview=preview)
    return replace(facts, preview_failed=seen.preview_failed)


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


def _proven(
    source: Path, frames: int, begin: Callable[[], OnePass], limits: VideoLimits, report: Report
) -> OnePass | None:
    """Decode everything once, since a copy would carry along what only a decoder can see: damage, another picture.

    Return None where there are fields instead of whole pictures, which the first one need not show.
    """
    seen = begin()
    decoded, measure = 0, None
    with open_video(source, limits, DECODING_ALONE) as opened:
        for picture in opened.pictures():
            measure = measure or FieldMeasure(picture, opened.time_base)
            measure.add(picture)
            if picture.interlaced_frame or measure.order:
                seen.give_up()
                return None
            decoded += 1
            seen.add(picture)
            report(min(1.0, decoded / frames))
    if decoded != frames:
        raise Damaged(DOES_NOT_DECODE, f"{decoded} of {frames} pictures decode")
    seen.check()
    return seen


def _copy(source: Path, target: Path, color: str, limits: VideoLimits, tags: Mapping[str, str]) -> None:
    with open_video(source, limits) as opened, open_target(target, tags) as out:
        stream = out.add_stream_from_template(opened.stream)
        tagging = BitStreamFilterContext(TAG_AS_BT709, opened.stream, stream) if color == "untagged" else None
        for packet in opened.packets():
            for copied in tagging.filter(packet) if tagging else [packet]:
                if copied.dts is not None:
                    copied.stream = stream
                    out.mux(copied)


def _transcode(
    source: Path,
    target: Path,
    begin: Callable[[], OnePass],
    frames: int,
    settings: VideoSettings,
    limits: VideoLimits,
    report: Report,
) -> OnePass:
    seen = begin()
    try:
        _encode(source, target, seen, frames, settings, limits, report)
    except FieldsBegin as found:
        seen.give_up()
        seen = begin()
        _encode(source, target, seen, frames, settings, limits, report, field_order=found.order)
    seen.check()
    return seen


def _encode(
    source: Path,
    target: Path,
    seen: OnePass,
    frames: int,
    settings: VideoSettings,
    limits: VideoLimits,
    report: Report,
    *,
    field_order: str = "",
) -> None:
    with open_video(source, limits) as opened, open_target(target, seen.tags) as out:
        threads = settings.threads or default_threads()
        stream = add_encoder(out, (WIDTH_PX, HEIGHT_PX), _options(settings), settings.keyframe_every_frames, threads)
        for done, picture in enumerate(_framed(opened, frames, field_order, seen.layout.active)):
            out.mux(packets_of(stream, seen.add(picture)))
            report(done / frames)
        out.mux(packets_of(stream, None))
        report(1)


def _framed(source: SourceVideo, frames: int, known_order: str = "", active: Box | None = None) -> Iterator[VideoFrame]:
    """Yield exactly `frames` pictures, 30 a second: late ones are cut off, the last one stands in for missing ones.

    Unless `known_order` says in which order the fields are, raises `FieldsBegin` at the first picture whose flag shows
    fields, if neither the header nor the first picture did, or where measuring finds another order than the flags.
    """
    pictures = source.pictures()
    first = next(pictures, None)
    if first is None:
        raise Damaged(DOES_NOT_DECODE, "no picture decodes")
    order = known_order or _flagged_order(source.stream, first)
    filters = framing(first, pixel_aspect(source.stream), "yuv420p", active) + _timing(frames)
    filtered = FilterChain(first, source.time_base, (deinterlacing(order) if order else []) + filters)
    measure, given = FieldMeasure(first, source.time_base), 0
    for picture in chain([first], pictures, [None]):
        if picture is not None and not known_order:
            _check_order(picture, order, measure)
        for framed in filtered.push(picture):
            yield framed
            given += 1
        if given == frames:
            return


def _flagged_order(stream: VideoStream, first: VideoFrame) -> str:
    """Return the order of the fields by the flags, `auto` where each picture says it, or "" for whole pictures."""
    if not is_interlaced(stream, first):
        return ""
    return "auto" if first.interlaced_frame else FIRST_FIELD.get(stream.codec_context.field_order, "auto")


def _check_order(picture: VideoFrame, order: str, measure: FieldMeasure) -> None:
    """Raise `FieldsBegin` unless the picture consists of fields in this order, or is whole where it is empty."""
    measure.add(picture)
    if measure.order and measure.order != order:
        raise FieldsBegin(measure.order)
    if picture.interlaced_frame and not order:
        raise FieldsBegin("auto")


def _timing(frames: int) -> Filters:
    return [
        ("setpts", "PTS-STARTPTS"),
        ("fps", f"{FRAMES_PER_SECOND}:round=near"),
        ("tpad", "stop_mode=clone:stop=-1"),
        ("trim", f"end_frame={frames}"),
    ]


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
