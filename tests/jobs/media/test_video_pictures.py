"""Fields, HDR and rare keyframes do not reach the caller, and a video that shows nothing is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.packet import Packet
from av.video.frame import VideoFrame
from PIL import Image, ImageChops, ImageStat

from jobs.media import Blank, VideoFacts, WrongType, normalise_video, probe_video
from jobs.media.color_tags import retagged
from jobs.media.fields import FieldMeasure
from jobs.media.framing import FilterChain, Filters, first_out, framing
from jobs.media.video import FieldsBegin, _check_order
from tests.jobs.media.making import (
    CONFORMING,
    Video,
    difference,
    first_picture,
    frame_of,
    keyframes_of,
    woven,
)
from tests.jobs.media.promise import QUICK, assert_promise, normalised
from tests.jobs.media.sources import COMBED, HDR, ONE_KEYFRAME, UNFLAGGED

pytestmark = pytest.mark.media

PEAK_OF_1000 = "hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"


def combs_of(picture: Image.Image) -> float:
    """Return by how much each line differs from the mean of its neighbors: combs are lines that alternate."""
    width, height = picture.size
    above, line, below = (picture.convert("L").crop((0, top, width, height - 2 + top)) for top in range(3))
    return ImageStat.Stat(ImageChops.difference(line, Image.blend(above, below, 0.5))).mean[0]


def test_fields_become_whole_pictures(tmp_path: Path) -> None:
    combs = {}
    for name, video in {
        "fields": COMBED,
        "fields that no flag shows": UNFLAGGED,
        "fields whose flags lie": replace(COMBED, options=(("preset", "superfast"), ("x264-params", "bff=1"))),
        "whole": replace(COMBED, combed=False),
    }.items():
        target, _ = normalised(tmp_path, replace(video, seconds=1))
        combs[name] = combs_of(first_picture(target))
    assert max(combs.values()) < 1.1 * combs["whole"]


def test_fields_in_an_otherwise_perfect_video_are_not_copied(tmp_path: Path) -> None:
    target, facts = normalised(tmp_path, replace(CONFORMING, combed=True))
    assert not facts.remuxed
    assert combs_of(first_picture(target)) < combs_of(first_picture(tmp_path / "in.mp4")) / 2


def measured_order(pictures: Iterable[VideoFrame]) -> str:
    measure: FieldMeasure | None = None
    for number, picture in enumerate(pictures):
        picture.pts, picture.time_base = number, Fraction(1, 25)
        measure = measure or FieldMeasure(picture, Fraction(1, 25))
        measure.add(picture)
    assert measure is not None
    return measure.order


@pytest.mark.parametrize(("flagged", "found"), [("", "tff"), ("auto", "tff"), ("bff", "tff"), ("tff", None)])
def test_clear_measure_wins_over_flags(flagged: str, found: str | None) -> None:
    whole = list(replace(COMBED, rate=50, combed=False)._content(40))
    pictures = [woven(*pair) for pair in zip(whole[::2], whole[1::2], strict=True)]
    measure, orders = FieldMeasure(pictures[0], Fraction(1, 25)), []
    for number, picture in enumerate(pictures):
        picture.pts, picture.time_base = number, Fraction(1, 25)
        try:
            _check_order(picture, flagged, measure)
        except FieldsBegin as begin:
            orders.append(begin.order)
    assert orders[:1] == ([found] if found else [])


def fine_stripes(period: int, lines_per_picture: float) -> Iterator[VideoFrame]:
    """Draw horizontal stripes that move down, and a bar in front of them that moves aside."""
    for number in range(30):
        lines = bytes(200 if int(y + number * lines_per_picture) % period < period / 2 else 40 for y in range(360))
        picture = Image.frombytes("L", (1, 360), lines).resize((640, 360))
        picture.paste(255, (10 + 6 * number, 50, 80 + 6 * number, 300))
        yield frame_of(picture.convert("RGB")).reformat(format="yuv420p")


@pytest.mark.parametrize("period", [2, 4, 6])
@pytest.mark.parametrize("lines_per_picture", [0, 0.5, 1, 2])
def test_fine_stripes_are_not_fields(period: int, lines_per_picture: float) -> None:
    assert measured_order(fine_stripes(period, lines_per_picture)) == ""


def test_order_of_fields_is_measured() -> None:
    whole = list(replace(COMBED, rate=50, combed=False)._content(40))
    again = list(replace(COMBED, rate=50, combed=False)._content(40))
    assert measured_order(woven(*pair) for pair in zip(whole[::2], whole[1::2], strict=True)) == "tff"
    assert measured_order(woven(later, first) for first, later in zip(again[::2], again[1::2], strict=True)) == "bff"
    assert measured_order(Video(size=(640, 360), rate=60)._content(60)) == ""


def joined(path: Path, *videos: Video) -> Path:
    """Write videos one after the other into one file, each with its own headers before its keyframes."""
    with av.open(str(path), "w", format="mp4") as out:
        stream, at = None, 0
        for video in videos:
            with av.open(str(video.write(path.with_name("part")))) as part:
                given = part.streams.video[0]
                stream = stream or out.add_stream_from_template(given)
                for packet in part.demux(given):
                    if packet.dts is not None and packet.pts is not None:
                        copy = Packet(in_band_headers(given.codec_context.extradata or b"") + bytes(packet))
                        copy.pts, copy.dts, copy.duration = packet.pts + at, packet.dts + at, packet.duration
                        copy.time_base, copy.is_keyframe, copy.stream = packet.time_base, packet.is_keyframe, stream
                        out.mux(copy)
                at += given.duration or 0
    path.with_name("part").unlink()
    return path


def in_band_headers(avcc: bytes) -> bytes:
    """Return the parameter sets of an MP4's header as they stand before a picture, each after its length in 4 bytes."""
    at, sets = 6, b""
    for _ in range(2):
        size = int.from_bytes(avcc[at : at + 2], "big")
        sets += size.to_bytes(4, "big") + avcc[at + 2 : at + 2 + size]
        at += size + 3
    return sets


def test_fields_that_begin_midway_are_found(tmp_path: Path) -> None:
    whole = replace(COMBED, combed=False, options=(("preset", "superfast"),))
    source = joined(tmp_path / "in.mp4", replace(whole, seconds=1), replace(COMBED, seconds=1))
    assert probe_video(source).progressive
    facts = normalise_video(source, tmp_path / "out.mp4", seconds=2, settings=QUICK)
    assert_promise(tmp_path / "out.mp4", facts, 2)
    with av.open(str(tmp_path / "out.mp4")) as written:
        pictures = [picture.to_image() for picture in written.decode(video=0)]  # type: ignore[no-untyped-call]
    assert combs_of(pictures[45]) < 1.1 * combs_of(pictures[15])


def gray_steps(path: Path, video: Video) -> Path:
    """Write a video of eight gray steps, from black to the brightest highlight, and something that moves below."""
    with av.open(str(path), "w", format="mp4") as out:
        stream = video._add_stream(out)
        for number in range(25):
            frame = VideoFrame(320, 180, "yuv420p10le")
            for plane, is_luma in zip(frame.planes, (True, False, False), strict=True):
                lines = [
                    [64 + 125 * ((x // 40 + (number if y >= 160 else 0)) % 8) if is_luma else 512 for x in range(320)]
                    for y in (0, 170)
                ]
                steps, moving = (
                    b"".join(value.to_bytes(2, "little") for value in line)
                    .ljust(640)[: plane.line_size]
                    .ljust(plane.line_size)
                    for line in lines
                )
                still = plane.height * 8 // 9
                plane.update(steps * still + moving * (plane.height - still))
            frame.pts, frame.colorspace, frame.color_primaries, frame.color_trc = number, 9, 9, video.curve or 1
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def grays(tmp_path: Path, video: Video) -> list[int]:
    """Return what becomes of the eight steps, 0 to 255."""
    facts = normalise_video(gray_steps(tmp_path / "in.mp4", video), tmp_path / "out.mp4", seconds=1, settings=QUICK)
    assert_promise(tmp_path / "out.mp4", facts, 1)
    picture = first_picture(tmp_path / "out.mp4").convert("RGB")
    found = [picture.getpixel((120 + 240 * step, 400)) for step in range(8)]
    assert all(isinstance(each, tuple) and max(each) - min(each) <= 4 for each in found), f"{found} is not gray"
    return [each[1] for each in found if isinstance(each, tuple)]


@pytest.mark.parametrize("curve", [16, 18], ids=["PQ", "HLG"])
def test_hdr_is_mapped_to_what_bt709_has_room_for(tmp_path: Path, curve: int) -> None:
    """Unmapped, the steps would come out evenly: the shadows of PQ far too bright, and nothing of it correct."""
    steps = grays(tmp_path, replace(HDR, curve=curve))
    assert steps == sorted(set(steps))
    assert steps[0] <= 4
    assert steps[7] >= 245
    assert steps[1] <= {16: 24, 18: 36}[curve]


def test_declared_peak_of_hdr_counts(tmp_path: Path) -> None:
    """Without one, room is left for the 10,000 cd/m² that PQ can code."""
    declared = replace(HDR, options=(("preset", "ultrafast"), ("x265-params", f"log-level=none:{PEAK_OF_1000}")))
    assert grays(tmp_path, declared)[4] > grays(tmp_path, HDR)[4] + 10


def pq_steps(size: tuple[int, int]) -> VideoFrame:
    """Draw eight gray steps of PQ, as wide as the picture together."""
    frame = VideoFrame(*size, "yuv420p10le")
    for plane, is_luma in zip(frame.planes, (True, False, False), strict=True):
        line = [64 + 100 * (8 * x // plane.width) if is_luma else 512 for x in range(plane.width)]
        data = b"".join(value.to_bytes(2, "little") for value in line).ljust(plane.line_size, b"\0")
        plane.update(data * plane.height)
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    frame.colorspace, frame.color_primaries, frame.color_trc = 9, 9, 16
    return frame


def mapped(frame: VideoFrame, filters: Filters) -> list[int]:
    """Return the luma of each of the eight steps."""
    framed = first_out(FilterChain(frame, Fraction(1, 25), filters), frame)
    assert framed is not None
    luma = framed.planes[0]
    return [bytes(luma)[luma.line_size * 540 + 120 + 240 * step] for step in range(8)]


def test_large_hdr_is_scaled_before_it_is_mapped() -> None:
    """FFmpeg maps every pixel before it scales: four times as many as are seen, for a source of 4K."""
    small, large = (framing(pq_steps(size), Fraction(1), "yuv420p") for size in ((640, 360), (2560, 1440)))
    assert ["intent" in arguments for name, arguments in small if name == "scale"] == [True]
    assert ["intent" in arguments for name, arguments in large if name == "scale"] == [False, True]
    pairs = zip(mapped(pq_steps((640, 360)), small), mapped(pq_steps((2560, 1440)), large), strict=True)
    assert max(abs(one - other) for one, other in pairs) <= 1


@pytest.mark.parametrize(
    ("given", "taken"),
    [((3, 3, 3), (2, 2, 2)), ((10, 9, 16), (9, 9, 16)), ((12, 1, 9), (1, 1, 2)), ((12, 9, 1), (9, 9, 1))],
)
def test_tags_that_cannot_be_converted_from_are_put_right(given: tuple[int, ...], taken: tuple[int, ...]) -> None:
    frame = VideoFrame(320, 180, "yuv420p")
    frame.colorspace, frame.color_primaries, frame.color_trc = given
    retagged(frame)
    assert (frame.colorspace, frame.color_primaries, frame.color_trc) == taken


def test_reserved_tags_are_taken_for_none(tmp_path: Path) -> None:
    """They cost a video that plays everywhere, and that was paid for."""
    still = Image.linear_gradient("L").resize((320, 180)).convert("RGB")
    pictures = [
        first_picture(normalised(tmp_path, Video(tag=tag, still=still))[0]).convert("L").resize((16, 9))
        for tag in (2, 3)
    ]
    assert difference(*pictures) < 2


def test_colors_that_are_coded_in_a_foreign_way_are_refused(tmp_path: Path) -> None:
    source = Video(tag=8).write(tmp_path / "in.mp4")
    with pytest.raises(WrongType, match="colors are coded"):
        normalise_video(source, tmp_path / "out.mp4", seconds=1, settings=QUICK)


def test_keyframes_too_far_apart_to_seek_are_not_copied(tmp_path: Path) -> None:
    source = replace(ONE_KEYFRAME, seconds=3).write(tmp_path / "in.mp4")
    assert (probe_video(source).keyframes, probe_video(source).keyframe_gap_s) == (1, 3.0)
    facts = normalise_video(source, tmp_path / "out.mp4", seconds=3, settings=QUICK)
    assert not facts.remuxed
    assert keyframes_of(tmp_path / "out.mp4") == [0, 2]


STILL = Image.effect_noise((320, 180), 80).convert("RGB")


@pytest.mark.parametrize("base", [Video(), CONFORMING], ids=["to encode", "to copy"])
@pytest.mark.parametrize(
    ("still", "words"), [(Image.new("RGB", (320, 180)), "black"), (STILL, "Nothing moves")], ids=["black", "frozen"]
)
def test_video_that_shows_nothing_is_refused(tmp_path: Path, base: Video, still: Image.Image, words: str) -> None:
    source = replace(base, still=still.resize(base.size), frozen=True).write(tmp_path / "in.mp4")
    with pytest.raises(Blank, match=words):
        normalise_video(source, tmp_path / "out.mp4", seconds=1, settings=QUICK)


def test_one_small_movement_is_enough(tmp_path: Path) -> None:
    """A blink: a fiftieth of the width, and darker by a fifth."""
    _, facts = normalised(tmp_path, Video(size=(1280, 720), still=STILL.resize((1280, 720))))
    assert isinstance(facts, VideoFacts)
