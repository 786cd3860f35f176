"""Any usable video comes out as exactly the promised one; a video that is so already keeps its pictures untouched."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from jobs.media import VideoFacts, VideoSettings, normalise_video, probe_video
from jobs.media.isolation import CHILD, CODE
from jobs.media.limits import VIDEO_CHILD, VIDEO_LIMITS
from jobs.media.provenance import DIGITAL_SOURCE_TYPE
from jobs.media.video import conforms
from tests.jobs.media.making import (
    CONFORMING,
    UNTAGGED,
    Video,
    assert_color,
    assert_round,
    corners_of,
    count_pictures,
    disc,
    first_picture,
    four_corners,
    keyframes_of,
    pictures_of,
    times_of,
)

QUICK = VideoSettings(preset="ultrafast", crf=28)


def normalised(tmp_path: Path, video: Video, seconds: int = 1) -> tuple[Path, VideoFacts]:
    """Make a video, normalise it, and check everything that is promised of every result."""
    source, target = video.write(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    facts = normalise_video(source, target, seconds=seconds, settings=QUICK)
    assert_promise(target, facts, seconds)
    return target, facts


def assert_promise(target: Path, facts: VideoFacts, seconds: int) -> None:
    """Check a result with eyes of its own: PyAV used directly, and the bytes of the file."""
    data = target.read_bytes()
    assert (facts.width_px, facts.height_px) == (1920, 1080)
    assert (facts.frames, facts.frames_per_second, facts.duration_s) == (seconds * 30, 30.0, float(seconds))
    assert (facts.content_type, facts.codec) == ("video/mp4", "h264")
    assert (facts.size_bytes, facts.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert 0 < data.find(b"moov") < data.find(b"mdat")
    assert DIGITAL_SOURCE_TYPE.encode() in data
    assert times_of(target) == [Fraction(n, 30) for n in range(seconds * 30)]
    assert keyframes_of(target)[0] == 0
    assert_streams(target)


def assert_streams(target: Path) -> None:
    with av.open(str(target)) as written:
        (stream,) = written.streams
        context = stream.codec_context
        assert isinstance(context, av.VideoCodecContext)
        assert (context.profile, context.level, context.pix_fmt) == ("High", 40, "yuv420p")
        assert (context.width, context.height) == (1920, 1080)
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
        assert written.duration == stream.duration * stream.time_base * 1_000_000


@pytest.mark.parametrize(("seconds", "rate"), [(6, 25), (10, 24)])
def test_product_lengths_are_exact_to_the_picture(tmp_path: Path, seconds: int, rate: int) -> None:
    target, facts = normalised(tmp_path, Video(rate=rate, seconds=seconds), seconds)
    assert not facts.remuxed
    assert count_pictures(target) == seconds * 30
    assert set(range(0, seconds, 2)) <= set(keyframes_of(target))


@pytest.mark.parametrize("rate", [8, 24, 60])
def test_every_rate_becomes_thirty(tmp_path: Path, rate: int) -> None:
    normalised(tmp_path, Video(rate=rate))


def test_keyframes_of_the_source_do_not_become_keyframes(tmp_path: Path) -> None:
    still = four_corners((320, 180))
    target, _ = normalised(tmp_path, Video(still=still, options=(("preset", "ultrafast"), ("g", "1"))))
    assert len(keyframes_of(tmp_path / "in.mp4")) == 25
    assert keyframes_of(target) == [0]


def test_ntsc_rate_becomes_thirty(tmp_path: Path) -> None:
    times_ms = [round(n * 1001 / 30) for n in range(30)]
    normalised(tmp_path, Video(times_ms=times_ms))


def test_variable_rate_becomes_constant(tmp_path: Path) -> None:
    _, facts = normalised(tmp_path, Video(times_ms=[0, 20, 200, 233, 300, 500, 510, 700, 900, 960]))
    assert not facts.remuxed


def test_late_start_is_moved_to_zero(tmp_path: Path) -> None:
    normalised(tmp_path, Video(times_ms=[400 + 40 * n for n in range(25)]))


@pytest.mark.parametrize("seconds", [0.6, 1.4])
def test_slightly_wrong_length_is_cut_or_held(tmp_path: Path, seconds: float) -> None:
    normalised(tmp_path, Video(seconds=seconds, rate=30))


def test_missing_end_shows_the_last_picture(tmp_path: Path) -> None:
    source = Video(seconds=0.6, rate=30).write(tmp_path / "in.mp4")
    normalise_video(source, tmp_path / "out.mp4", seconds=1, settings=QUICK)
    shown = pictures_of(tmp_path / "out.mp4")
    assert difference(shown[17], shown[29]) < 3
    assert difference(shown[0], shown[17]) > 10


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return how much two pictures differ on average, 0 to 255."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize(
    ("size", "factor"),
    [((1280, 720), 1.5), ((1366, 768), 1.40625), ((640, 480), 3.0), ((720, 1280), 8 / 3)],
)
def test_video_is_cropped_and_never_stretched(tmp_path: Path, size: tuple[int, int], factor: float) -> None:
    diameter = min(size) // 4
    target, _ = normalised(tmp_path, Video(size=size, still=disc(size, diameter)))
    assert_round(first_picture(target), diameter * factor)


def test_odd_sizes_are_accepted(tmp_path: Path) -> None:
    # Pictures of odd size cannot be 4:2:0, so the source is 4:4:4.
    video = Video(size=(641, 361), pixel_format="yuv444p", still=disc((641, 361), 200))
    target, _ = normalised(tmp_path, video)
    assert_round(first_picture(target), 200 * 1920 / 641)


def test_pixels_that_are_not_square_are_honored(tmp_path: Path) -> None:
    squeezed = disc((1280, 720), 360).resize((640, 720))
    target, _ = normalised(tmp_path, Video(size=(640, 720), pixel_aspect=Fraction(2), still=squeezed))
    assert_round(first_picture(target), 540)


@pytest.mark.parametrize(("rotation", "corners"), [(90, "gwrb"), (-90, "brwg"), (180, "wbgr")])
def test_rotation_is_honored(tmp_path: Path, rotation: int, corners: str) -> None:
    """The expected corners are what the ffmpeg command shows for the same files."""
    target, _ = normalised(tmp_path, Video(size=(640, 360), still=four_corners((640, 360)), rotation=rotation))
    assert corners_of(first_picture(target)) == corners
    assert probe_video(target).rotation_degrees == 0


@pytest.mark.parametrize(
    ("matrix", "tag", "size"),
    [(1, 1, (320, 180)), (5, 5, (1280, 720)), (5, 2, (320, 180)), (1, 2, (1280, 720))],
    ids=["bt709", "bt601", "untagged and small, so bt601", "untagged and large, so bt709"],
)
def test_colors_look_the_same_however_the_source_codes_them(
    tmp_path: Path, matrix: int, tag: int, size: tuple[int, int]
) -> None:
    color = (40, 180, 60)
    target, _ = normalised(tmp_path, Video(size=size, still=Image.new("RGB", size, color), matrix=matrix, tag=tag))
    assert_color(first_picture(target), (900, 500), color)


def test_sound_is_dropped(tmp_path: Path) -> None:
    video = Video(sound=True)
    assert probe_video(video.write(tmp_path / "in.mp4")).streams == 2
    normalised(tmp_path, video)


@pytest.mark.parametrize("codec", ["libx265", "libsvtav1", "mpeg4"])
def test_other_encodings_are_accepted(tmp_path: Path, codec: str) -> None:
    options = {"libx265": (("preset", "ultrafast"), ("x265-params", "log-level=none"))}
    normalised(tmp_path, Video(codec=codec, options=options.get(codec, ())))


def test_fragmented_source_is_accepted(tmp_path: Path) -> None:
    normalised(tmp_path, Video(movflags="frag_keyframe+empty_moov+default_base_moof"))


def video_payload(path: Path) -> list[bytes]:
    """Return the coded pictures."""
    with av.open(str(path)) as source:
        return [bytes(packet) for packet in source.demux(video=0) if packet.size]


@pytest.mark.parametrize(
    "video", [CONFORMING, replace(CONFORMING, movflags=None, sound=True)], ids=["good", "repaired"]
)
def test_conforming_video_is_copied(tmp_path: Path, video: Video) -> None:
    """Sound, and an index at the end of the file, do not ask for new pictures: copying puts both right."""
    target, facts = normalised(tmp_path, video)
    assert facts.remuxed
    assert video_payload(target) == video_payload(tmp_path / "in.mp4")


def test_conforming_video_without_color_tags_is_copied_and_tagged(tmp_path: Path) -> None:
    target, facts = normalised(tmp_path, UNTAGGED)
    assert facts.remuxed
    assert probe_video(tmp_path / "in.mp4").color == "untagged"
    before, after = first_picture(tmp_path / "in.mp4"), first_picture(target)
    assert before.size == after.size


def test_normalising_a_result_again_copies_it(tmp_path: Path) -> None:
    target, _ = normalised(tmp_path, Video())
    again = normalise_video(target, tmp_path / "again.mp4", seconds=1)
    assert again.remuxed
    assert_promise(tmp_path / "again.mp4", again, 1)


@pytest.mark.parametrize(
    "almost",
    [
        replace(CONFORMING, seconds=31 / 30),
        replace(CONFORMING, rotation=180),
        replace(CONFORMING, options=(("preset", "ultrafast"),)),
    ],
    ids=["a picture too many", "upside down", "baseline profile"],
)
def test_almost_conforming_video_is_encoded_again(tmp_path: Path, almost: Video) -> None:
    _, facts = normalised(tmp_path, almost)
    assert not facts.remuxed


def test_every_property_decides_whether_pictures_are_kept(tmp_path: Path) -> None:
    good = probe_video(CONFORMING.write(tmp_path / "in.mp4"))
    assert conforms(good, 1)
    assert conforms(replace(good, color="untagged", moov_first=False, streams=2, level=31, keyframes=9), 1)
    assert not conforms(good, 2)
    for change in DISQUALIFYING:
        assert not conforms(replace(good, **change), 1), change


DISQUALIFYING: tuple[dict[str, Any], ...] = (
    {"codec": "hevc"},
    {"profile": "High 10"},
    {"level": 41},
    {"pixel_format": "yuv422p"},
    {"width_px": 1918},
    {"height_px": 1088},
    {"frames": 29},
    {"frames_per_second": 29.97},
    {"rotation_degrees": 90},
    {"color": "other"},
    {"full_range": True},
    {"square_pixels": False},
    {"progressive": False},
    {"constant_rate": False},
    {"starts_at_zero": False},
    {"starts_with_keyframe": False},
    {"hidden_packets": 1},
)


def test_pictures_hidden_by_an_edit_list_stay_hidden(tmp_path: Path) -> None:
    whole = replace(CONFORMING, seconds=35 / 30).write(tmp_path / "whole.mp4")
    shift(whole, tmp_path / "in.mp4", pictures=5)
    found = probe_video(tmp_path / "in.mp4")
    assert (found.frames, found.hidden_packets) == (30, 5)
    facts = normalise_video(tmp_path / "in.mp4", tmp_path / "out.mp4", seconds=1, settings=QUICK)
    assert not facts.remuxed
    assert_promise(tmp_path / "out.mp4", facts, 1)


def test_groups_of_pictures_cut_off_by_an_edit_list_are_not_missed(tmp_path: Path) -> None:
    options = (("preset", "ultrafast"), ("g", "5"))
    shift(Video(rate=30, seconds=1.5, options=options).write(tmp_path / "whole.mp4"), tmp_path / "in.mp4", pictures=15)
    facts = normalise_video(tmp_path / "in.mp4", tmp_path / "out.mp4", seconds=1, settings=QUICK)
    assert_promise(tmp_path / "out.mp4", facts, 1)


def shift(source: Path, target: Path, pictures: int) -> None:
    """Copy a video so that its first pictures lie before time zero, where an edit list cuts them off."""
    with av.open(str(source)) as given, av.open(str(target), "w", format="mp4") as out:
        stream = out.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.pts is not None and packet.dts is not None and packet.duration:
                offset = pictures * packet.duration
                packet.pts, packet.dts, packet.stream = packet.pts - offset, packet.dts - offset, stream
                out.mux(packet)


def test_progress_is_reported_in_order_and_in_this_thread(tmp_path: Path) -> None:
    shares: list[float] = []
    threads: set[int] = set()

    def note(share: float) -> None:
        shares.append(share)
        threads.add(threading.get_ident())

    source = Video(size=(1280, 720), seconds=2).write(tmp_path / "in.mp4")
    normalise_video(source, tmp_path / "out.mp4", seconds=2, on_progress=note)
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert threads == {threading.get_ident()}


def peak_memory_kib(tmp_path: Path, seconds: int) -> int:
    """Normalise a clip in a child of our own, and return the most memory that it held."""
    source = Video(seconds=seconds).write(tmp_path / f"{seconds}.mp4")
    request = {
        "operation": "normalise_video",
        "source": str(source),
        "target": str(tmp_path / f"out{seconds}.mp4"),
        "options": {"seconds": seconds, "settings": asdict(QUICK), "limits": asdict(VIDEO_LIMITS)},
        "limits": asdict(VIDEO_CHILD),
        "parent_pid": os.getpid(),
    }
    return _peak_of(CHILD, json.dumps(request).encode())


def _peak_of(command: Sequence[str], request: bytes) -> int:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=CODE)
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(request)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    short, long = peak_memory_kib(tmp_path, 2), peak_memory_kib(tmp_path, 6)
    assert count_pictures(tmp_path / "out6.mp4") == 180
    # A single picture of 1920×1080 has 3 MiB; 120 more of them would be far above this.
    assert long < short + 30 * 1024


def test_encoder_settings_reach_the_encoder(tmp_path: Path) -> None:
    source = Video().write(tmp_path / "in.mp4")
    sizes = [
        normalise_video(source, tmp_path / "out.mp4", seconds=1, settings=replace(QUICK, crf=crf)).size_bytes
        for crf in (20, 40)
    ]
    assert sizes[0] > 1.5 * sizes[1]
