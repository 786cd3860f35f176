"""Every usable video is normalised to exactly the promised form."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import pytest
from av.video.frame import VideoFrame
from PIL import Image

from jobs.media import normalise_video, probe_video
from jobs.media.framing import framing
from jobs.media.isolation import CHILD, CODE
from jobs.media.limits import VIDEO_CHILD, VIDEO_LIMITS
from jobs.media.operations import video_options
from tests.jobs.media.making import (
    Video,
    assert_color,
    assert_round,
    corners_of,
    count_pictures,
    difference,
    disc,
    disc_box,
    first_picture,
    four_corners,
    keyframes_of,
    pictures_of,
)
from tests.jobs.media.promise import QUICK, normalised


@pytest.mark.parametrize(("seconds", "rate"), [(6, 25), pytest.param(10, 24, marks=pytest.mark.thorough)])
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


@pytest.mark.parametrize("seconds", [1.1, pytest.param(30, marks=pytest.mark.media)])
def test_wrong_length_is_cut_or_extended(tmp_path: Path, seconds: float) -> None:
    """The last picture stands in for at most one second; what is too long is cut off, however long it is."""
    normalised(tmp_path, Video(seconds=seconds, rate=30), 2)


def test_missing_end_shows_the_last_picture(tmp_path: Path) -> None:
    source = Video(seconds=0.6, rate=30).write(tmp_path / "in.mp4")
    normalise_video(source, tmp_path / "out.mp4", seconds=1, settings=QUICK)
    shown = pictures_of(tmp_path / "out.mp4")
    assert difference(shown[17], shown[29]) < 3
    assert difference(shown[0], shown[17]) > 10


@pytest.mark.parametrize(
    ("size", "factor"),
    [((1280, 720), 1.5), ((1366, 768), 1.40625), ((768, 512), 2.5), ((1280, 640), 1.6875)],
)
def test_video_is_cropped_and_never_stretched(tmp_path: Path, size: tuple[int, int], factor: float) -> None:
    diameter = min(size) // 4
    target, _ = normalised(tmp_path, Video(size=size, still=disc(size, diameter)))
    assert_round(first_picture(target), diameter * factor)


@pytest.mark.parametrize("size", [(2047, 977), (768, 513), (1920, 1080)])
def test_only_what_is_seen_is_scaled(size: tuple[int, int]) -> None:
    frame = VideoFrame(*size, "yuv444p")
    scale = next(arguments for name, arguments in framing(frame, Fraction(1), "yuv420p") if name == "scale")
    width, height = (int(side) for side in scale.split(":")[:2])
    factor = max(1920 / size[0], 1080 / size[1])
    assert 1920 <= width <= 1920 + 4 * factor + 1
    assert 1080 <= height <= 1080 + 4 * factor + 1


@pytest.mark.parametrize("size", [(4096, 64), (64, 4096), (2047, 77)])
def test_a_strip_is_never_scaled_beyond_the_picture(size: tuple[int, int]) -> None:
    frame = VideoFrame(*size, "yuv444p")
    scale = next(arguments for name, arguments in framing(frame, Fraction(1), "yuv420p") if name == "scale")
    width, height = (int(side) for side in scale.split(":")[:2])
    assert (width, height) <= (1920, 1080)
    assert width / height == pytest.approx(size[0] / size[1], rel=0.06)


def test_a_strip_of_a_video_stays_round(tmp_path: Path) -> None:
    source = Video(size=(4096, 64), still=disc((4096, 64), 40), rate=5).write(tmp_path / "in.mp4")
    normalise_video(source, tmp_path / "out.mp4", seconds=1, poster=tmp_path / "out.webp", settings=QUICK)
    # It is 30 pixels high, between bars.
    left, top, right, bottom = disc_box(Image.open(tmp_path / "out.webp").crop((0, 527, 1920, 551)))
    assert abs((right - left) - 40 * 1920 / 4096) <= 3
    assert abs((bottom - top) - 40 * 1920 / 4096) <= 3
    assert abs((left + right) - 1920) <= 3


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


def test_text_in_a_strange_encoding_does_not_matter(tmp_path: Path) -> None:
    source = Video().write(tmp_path / "in.mp4")
    source.write_bytes(source.read_bytes().replace(b"VideoHandler", b"V\xafdeoHandler"))
    assert normalise_video(source, tmp_path / "out.mp4", seconds=1, settings=QUICK).frames == 30


def test_progress_is_reported_in_order_and_in_this_thread(tmp_path: Path) -> None:
    shares: list[float] = []
    threads: set[int] = set()

    def note(share: float) -> None:
        shares.append(share)
        threads.add(threading.get_ident())

    source = Video(size=(1280, 720), seconds=2).write(tmp_path / "in.mp4")
    normalise_video(source, tmp_path / "out.mp4", seconds=2, on_progress=note)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert threads == {threading.get_ident()}


def peak_memory_kib(tmp_path: Path, seconds: int) -> int:
    """Normalise a clip in a child of our own, and return the most memory that it used."""
    source = Video(seconds=seconds).write(tmp_path / f"{seconds}.mp4")
    request = {
        "operation": "normalise_video",
        "source": str(source),
        "target": str(tmp_path / f"out{seconds}.mp4"),
        "options": {
            **video_options(seconds, QUICK, VIDEO_LIMITS),
            "poster": str(tmp_path / "poster.webp"),
            "preview": str(tmp_path / "preview.mp4"),
        },
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
