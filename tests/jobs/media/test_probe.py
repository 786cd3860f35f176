"""A probe reports what a video is, not what its header claims."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from jobs.media import probe_video
from jobs.media.containers import CONTAINERS, container_of
from jobs.media.mp4 import box_types, moov_comes_first
from jobs.media.probe import Timing
from tests.jobs.media.making import CONFORMING, MILLISECOND, Video


def test_conforming_video_in_all_its_properties(tmp_path: Path) -> None:
    path = CONFORMING.write(tmp_path / "in.mp4")
    probe = probe_video(path)
    assert (probe.width_px, probe.height_px, probe.pixel_format) == (1920, 1080, "yuv420p")
    assert (probe.frames, probe.frames_per_second, probe.duration_s) == (30, 30.0, 1.0)
    assert (probe.codec, probe.profile, probe.level) == ("h264", "High", 40)
    assert (probe.color, probe.full_range, probe.square_pixels, probe.progressive) == ("bt709", False, True, True)
    assert (probe.constant_rate, probe.starts_at_zero, probe.starts_with_keyframe) == (True, True, True)
    assert (probe.streams, probe.keyframes, probe.rotation_degrees) == (1, 1, 0)
    assert probe.size_bytes == path.stat().st_size


@pytest.mark.parametrize("rate", [24, 25, 30])
def test_rate_comes_from_time_stamps(tmp_path: Path, rate: int) -> None:
    probe = probe_video(Video(rate=rate).write(tmp_path / "in.mp4"))
    assert (probe.frames, probe.frames_per_second, probe.constant_rate) == (rate, float(rate), True)


@pytest.mark.parametrize(
    ("shown_at", "constant"),
    [([0, 33, 67, 100, 133, 167], True), ([0, 33, 66, 101], False), ([0, 1, 2, 4], False), ([7], True)],
)
def test_rounding_to_one_tick_does_not_make_a_rate_uneven(shown_at: list[int], constant: bool) -> None:
    timing = Timing(
        tuple(shown_at), 33, hidden=0, keyframes=(shown_at[0],), starts_with_keyframe=True, time_base=MILLISECOND
    )
    assert timing.is_constant is constant


def test_uneven_time_stamps_do_not_count_as_constant(tmp_path: Path) -> None:
    probe = probe_video(Video(times_ms=[0, 20, 200, 233, 960]).write(tmp_path / "in.mp4"))
    assert not probe.constant_rate
    assert probe.frames == 5


def test_late_start_rotation_and_wide_pixels_are_seen(tmp_path: Path) -> None:
    video = Video(times_ms=[400, 440, 480], rotation=90, pixel_aspect=Fraction(2))
    probe = probe_video(video.write(tmp_path / "in.mp4"))
    assert (probe.starts_at_zero, probe.rotation_degrees, probe.square_pixels) == (False, 90, False)


@pytest.mark.parametrize(("movflags", "first"), [("+faststart", True), (None, False)])
def test_place_of_the_index_is_read_from_the_file(tmp_path: Path, movflags: str | None, first: bool) -> None:
    path = replace(Video(), movflags=movflags).write(tmp_path / "in.mp4")
    assert moov_comes_first(path) is first
    assert probe_video(path).moov_first is first


def test_boxes_are_walked_over_all_kinds_of_sizes(tmp_path: Path) -> None:
    path = tmp_path / "boxes"
    long_box = (1).to_bytes(4, "big") + b"free" + (24).to_bytes(8, "big") + bytes(8)
    to_the_end = bytes(4) + b"mdat" + bytes(100)
    path.write_bytes((12).to_bytes(4, "big") + b"ftyp" + bytes(4) + long_box + to_the_end)
    assert list(box_types(path)) == [b"ftyp", b"free", b"mdat"]


@pytest.mark.parametrize("size", [2, 7, 1000, 2**32 - 1])
def test_senseless_box_sizes_end_the_walk(tmp_path: Path, size: int) -> None:
    path = tmp_path / "boxes"
    path.write_bytes(size.to_bytes(4, "big") + b"ftyp" + bytes(20))
    assert list(box_types(path)) == [b"ftyp"]
    assert container_of(path) is CONTAINERS[0]
