"""A conforming video keeps its pictures untouched; one that almost conforms does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from jobs.media import normalise_video, probe_video
from jobs.media.video import conforms
from tests.jobs.media.making import (
    CONFORMING,
    UNTAGGED,
    Video,
    first_picture,
)
from tests.jobs.media.promise import QUICK, assert_promise, normalised


def video_payload(path: Path) -> list[bytes]:
    """Return the coded pictures."""
    with av.open(str(path)) as source:
        return [bytes(packet) for packet in source.demux(video=0) if packet.size]


@pytest.mark.parametrize(
    "video", [CONFORMING, replace(CONFORMING, movflags=None, sound=True)], ids=["good", "repaired"]
)
def test_conforming_video_is_copied(tmp_path: Path, video: Video) -> None:
    """Sound, and an index at the end of the file, need no new pictures: copying corrects both."""
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
