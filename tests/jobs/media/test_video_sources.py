"""Every kind of source that the page lists comes out exactly as promised, decoded to its last frame."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import av
import pytest

from jobs.media import Damaged, normalise_video, probe_video
from jobs.media.limits import VIDEO_LIMITS
from tests.jobs.media.making import count_pictures, difference, pictures_of
from tests.jobs.media.promise import QUICK, assert_promise, assert_promise_by_ffprobe
from tests.jobs.media.sources import H264, PRORES, SOURCES, VP9, Source


@pytest.mark.media
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_kind_of_source_becomes_what_is_promised(tmp_path: Path, source: Source) -> None:
    path, target = source.write(tmp_path / "in"), tmp_path / "out.mp4"
    facts = normalise_video(path, target, seconds=2, settings=QUICK)
    assert facts.remuxed is source.is_copied
    assert_promise(target, facts, 2, has_sound=source.has_sound)
    assert count_pictures(target) == 60
    if shutil.which("ffprobe"):
        assert_promise_by_ffprobe(target, 2, has_sound=source.has_sound)


def test_every_accepted_encoding_and_container_has_its_row() -> None:
    encodings = {av.Codec(source.video.codec, "w").canonical_name for source in SOURCES}
    assert encodings == set(VIDEO_LIMITS.codecs)
    assert {source.video.container for source in SOURCES} == {"mp4", "mov", "webm", "matroska", "avi"}


@pytest.mark.parametrize("video", [VP9, replace(H264, container="avi")], ids=["Matroska", "AVI"])
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_source_without_its_end_is_damaged(tmp_path: Path, video: object, share: float) -> None:
    assert isinstance(video, type(H264))
    path = video.write(tmp_path / "in")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(Damaged):
        probe_video(path)


def test_source_that_was_streamed_without_a_length_is_read(tmp_path: Path) -> None:
    """A live WebM says neither how long it is nor where its keyframes are."""
    path = VP9.write(tmp_path / "in")
    data = bytearray(path.read_bytes())
    at = data.find(b"\x18S\x80g") + 4
    data[at : at + 8] = b"\x01" + b"\xff" * 7
    path.write_bytes(data)
    assert probe_video(path).frames == 50


def test_type_of_a_source_is_that_of_its_container(tmp_path: Path) -> None:
    assert probe_video(VP9.write(tmp_path / "in")).content_type == "video/x-matroska"
    assert probe_video(PRORES.write(tmp_path / "in")).content_type == "video/mp4"


@pytest.mark.media
def test_pictures_of_avi_come_in_the_order_of_display(tmp_path: Path) -> None:
    """AVI has only times of decoding, which B-frames turn around, and the last pictures have none at all."""
    shown = []
    for container in ("mp4", "avi"):
        path = replace(H264, container=container, options=(("preset", "superfast"), ("bf", "3"))).write(tmp_path / "in")
        normalise_video(path, tmp_path / "out.mp4", seconds=2, settings=QUICK)
        shown.append(pictures_of(tmp_path / "out.mp4"))
    assert all(difference(one, other) < 1 for one, other in zip(*shown, strict=True))
