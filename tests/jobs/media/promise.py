"""Checks the promises of every normalised video independently of the code under test."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import av

from jobs.media import VideoFacts, VideoSettings, normalise_video
from jobs.media.mp4 import box_types
from jobs.media.provenance import DIGITAL_SOURCE_TYPE, UNKNOWN
from tests.jobs.media.making import (
    Video,
    keyframes_of,
    times_of,
)

# From part 3 of the XMP specification.
XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
AAC_FRAME = Fraction(1024, 48000)
BY_FFPROBE = {
    "codec_name": "h264",
    "profile": "High",
    "level": 40,
    "width": 1920,
    "height": 1080,
    "pix_fmt": "yuv420p",
    "field_order": "progressive",
    "color_space": "bt709",
    "color_transfer": "bt709",
    "color_primaries": "bt709",
    "color_range": "tv",
    "r_frame_rate": "30/1",
    "avg_frame_rate": "30/1",
}
QUICK = VideoSettings(preset="ultrafast", crf=28)


def normalised(tmp_path: Path, video: Video, seconds: int = 1) -> tuple[Path, VideoFacts]:
    """Make a video, normalise it in a child, and check every promise."""
    source, target = video.write(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    facts = normalise_video(source, target, seconds=seconds, settings=QUICK)
    assert_promise(target, facts, seconds)
    return target, facts


def assert_promise(target: Path, facts: VideoFacts, seconds: int, *, has_sound: bool = False) -> None:
    """Check a result independently: with PyAV used directly, and by the bytes of the file."""
    data = target.read_bytes()
    assert (facts.width_px, facts.height_px) == (1920, 1080)
    assert (facts.frames, facts.frames_per_second, facts.duration_s) == (seconds * 30, 30.0, float(seconds))
    assert (facts.content_type, facts.codec) == ("video/mp4", "h264")
    assert facts.size_bytes == len(data)
    assert 0 < data.find(b"moov") < data.find(b"mdat")
    assert_marked(target, data)
    assert times_of(target) == [Fraction(n, 30) for n in range(seconds * 30)]
    assert keyframes_of(target)[0] == 0
    assert_streams(target)
    assert_sound(target, seconds, has_sound)


def assert_marked(target: Path, data: bytes) -> None:
    """Check that the tag is there, and the XMP once, in a box of its own at the end."""
    xmp = UNKNOWN.xmp().encode()
    size_bytes = 24 + len(xmp)
    assert (data.count(DIGITAL_SOURCE_TYPE.encode()), data.count(xmp)) == (2, 1)
    assert data[-size_bytes:] == size_bytes.to_bytes(4, "big") + b"uuid" + XMP_BOX + xmp
    assert list(box_types(target))[-1] == b"uuid"


def assert_streams(target: Path) -> None:
    with av.open(str(target)) as written:
        (stream,) = written.streams.video
        context = stream.codec_context
        assert isinstance(context, av.VideoCodecContext)
        assert (context.profile, context.level, context.pix_fmt) == ("High", 40, "yuv420p")
        assert (context.width, context.height) == (1920, 1080)
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
        assert stream.duration is not None
        assert stream.time_base is not None
        assert written.duration is not None
        longer_s = Fraction(written.duration, 1_000_000) - stream.duration * stream.time_base
        assert 0 <= longer_s <= (AAC_FRAME if written.streams.audio else 0)


def assert_sound(target: Path, seconds: int, has_sound: bool) -> None:
    """Check that sound is one track at most, AAC-LC, and as long as the pictures to one of its frames."""
    with av.open(str(target)) as written:
        assert len(written.streams) == 1 + has_sound
        assert len(written.streams.audio) == has_sound
        for track in written.streams.audio:
            context = track.codec_context
            assert (context.name, context.profile) == ("aac", "LC")
            assert (context.sample_rate, context.layout.name) == (48000, "stereo")
            assert track.duration is not None
            assert track.time_base is not None
            assert abs(track.duration * track.time_base - seconds) <= AAC_FRAME
            samples = sum(frame.samples for frame in written.decode(track))
            assert abs(Fraction(samples, 48000) - seconds) <= AAC_FRAME


def assert_promise_by_ffprobe(target: Path, seconds: int, *, has_sound: bool) -> None:
    """Check a result with the `ffprobe` command, which is not what PyAV links, and let it decode every picture."""
    asked = ("-v", "error", "-count_frames", "-show_streams", "-of", "json")
    said = subprocess.run(["ffprobe", *asked, str(target)], check=True, capture_output=True, text=True)
    assert said.stderr == ""
    pictures, *tracks = json.loads(said.stdout)["streams"]
    assert {name: pictures[name] for name in BY_FFPROBE} == BY_FFPROBE
    assert (int(pictures["nb_read_frames"]), float(pictures["duration"])) == (seconds * 30, seconds)
    # Without a word of it, pixels are square.
    assert pictures.get("sample_aspect_ratio", "1:1") == "1:1"
    assert not pictures.get("side_data_list")
    assert [track["codec_name"] for track in tracks] == ["aac"] * has_sound
