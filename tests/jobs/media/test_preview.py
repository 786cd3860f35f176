"""A preview is a small copy of the whole video, made in the same pass, and never costs the video itself."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random

import av
import pytest
from PIL import Image

from jobs.media import VideoFacts, limits, normalise_video, preview, video
from jobs.media.one_pass import Beside
from jobs.media.provenance import DIGITAL_SOURCE_TYPE, UNKNOWN
from tests.jobs.media.making import CONFORMING, Video, difference, frame_of, keyframes_of, pictures_of, times_of
from tests.jobs.media.promise import AAC_FRAME, QUICK, assert_promise
from tests.jobs.media.sources import COMBED
from tests.jobs.media.test_video_pictures import joined

pytestmark = pytest.mark.media

SOUND = Video(size=(1280, 720), seconds=2, sound=True, sound_volume=1)


def made(tmp_path: Path, source: Path, seconds: int) -> VideoFacts:
    """Make a video and its preview, `preview.mp4`."""
    target = tmp_path / "out.mp4"
    return normalise_video(source, target, seconds=seconds, preview=tmp_path / "preview.mp4", settings=QUICK)


@pytest.mark.parametrize(
    ("source", "has_sound"),
    [(SOUND, True), (replace(SOUND, sound=False), False), (replace(CONFORMING, seconds=2), False)],
    ids=["with sound", "silent", "copied"],
)
def test_preview_shows_the_whole_video(tmp_path: Path, source: Video, has_sound: bool) -> None:
    facts = made(tmp_path, source.write(tmp_path / "in.mp4"), 2)
    path = tmp_path / "preview.mp4"
    data = path.read_bytes()
    assert facts.preview is not None
    assert (facts.preview.content_type, facts.preview.width_px, facts.preview.height_px) == ("video/mp4", 854, 480)
    assert (facts.preview.size_bytes, facts.preview.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert 0 < data.find(b"moov") < data.find(b"mdat")
    assert data.count(DIGITAL_SOURCE_TYPE.encode()) == 2
    assert times_of(path) == [Fraction(n, 30) for n in range(60)]
    assert keyframes_of(path)[0] == 0
    assert_streams(path, 2, has_sound)
    shown, expected = pictures_of(path), pictures_of(tmp_path / "out.mp4")
    assert max(difference(one, other) for one, other in zip(shown, expected, strict=True)) < 12


def assert_streams(path: Path, seconds: int, has_sound: bool) -> None:
    with av.open(str(path)) as opened:
        assert len(opened.streams) == 1 + has_sound
        context = opened.streams.video[0].codec_context
        assert isinstance(context, av.VideoCodecContext)
        assert (context.name, context.profile, context.pix_fmt) == ("h264", "High", "yuv420p")
        assert (context.width, context.height, context.level) == (854, 480, 31)
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
        for track in opened.streams.audio:
            samples = sum(frame.samples for frame in opened.decode(track))
            assert abs(Fraction(samples, 48000) - seconds) <= AAC_FRAME


@pytest.mark.thorough
def test_ten_seconds_of_noise_stay_below_a_megabyte(tmp_path: Path) -> None:
    noise = [Image.effect_noise((640, 360), 90).convert("RGB") for _ in range(20)]
    source = tmp_path / "in.mp4"
    with av.open(str(source), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(250):
            picture = av.VideoFrame.from_image(Random(number).choice(noise))  # type: ignore[no-untyped-call]
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    assert made(tmp_path, source, 10).preview is not None
    assert (tmp_path / "preview.mp4").stat().st_size <= 1_000_000


def test_preview_of_fields_that_begin_midway_is_that_of_the_second_pass(tmp_path: Path) -> None:
    whole = replace(COMBED, combed=False, options=(("preset", "superfast"),))
    source = joined(tmp_path / "in.mp4", replace(whole, seconds=1), replace(COMBED, seconds=1))
    facts = made(tmp_path, source, 2)
    assert facts.preview is not None
    assert len(pictures_of(tmp_path / "preview.mp4")) == 60


@pytest.mark.parametrize("fault", ["OPTIONS", "HEIGHT_PX", "MAX_BYTES_PER_S"])
def test_video_comes_without_a_preview_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """It fails before the first picture, with each of them, and when it is measured."""
    broken = {"OPTIONS": {"preset": "none"}, "HEIGHT_PX": 481, "MAX_BYTES_PER_S": 1}
    monkeypatch.setattr(preview, fault, broken[fault])
    monkeypatch.setattr(preview, "MAX_BYTES", 1)
    target, small = tmp_path / "out.mp4", tmp_path / "preview.mp4"
    source = Video().write(tmp_path / "in.mp4")
    beside = Beside(preview=small)
    facts = video.normalise_video(source, target, beside, 1, QUICK, limits.VIDEO_LIMITS, lambda _share: None)
    assert (facts.preview, small.exists()) == (None, False)
    assert facts.preview_failed in ("MediaError", "ArgumentError", "ExternalError", "ValueError", "UnknownError")
    assert_promise(target, facts, 1)


def test_only_a_picture_that_is_shown_again_is_scaled_once(tmp_path: Path) -> None:
    begun = preview.Preview(tmp_path / "preview.mp4", UNKNOWN)
    black, white = (
        frame_of(Image.new("RGB", (1920, 1080), gray)).reformat(format="yuv420p") for gray in ("#000", "#fff")
    )
    small = begun._scaled(black)
    assert begun._scaled(black) is small
    assert bytes(begun._scaled(white).planes[0]) != bytes(small.planes[0])
    begun.give_up()
