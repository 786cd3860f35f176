"""Sound is kept where it can be heard, and never costs the pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.media import MediaError, VideoFacts, normalise_video
from jobs.media.limits import VideoLimits
from jobs.media.sound import add_sound, is_heard, read_sound
from tests.jobs.media.making import Video, break_sound
from tests.jobs.media.promise import QUICK, assert_promise

LOUD = Video(sound=True, sound_volume=1)


def test_sound_counts_from_sixty_decibels_below_full_scale() -> None:
    assert not is_heard((32).to_bytes(2, "little") * 10 + (-32).to_bytes(2, "little", signed=True))
    assert is_heard(bytes(20) + (-33).to_bytes(2, "little", signed=True))


@pytest.mark.media
@pytest.mark.parametrize(
    ("codec", "container"),
    [
        ("aac", "mp4"),
        ("ac3", "mp4"),
        ("eac3", "matroska"),
        ("mp2", "avi"),
        ("mp3", "avi"),
        ("flac", "matroska"),
        ("alac", "mov"),
        ("adpcm_ms", "avi"),
        ("adpcm_ima_wav", "avi"),
        ("pcm_u8", "avi"),
        ("pcm_mulaw", "mov"),
        ("pcm_s32le", "mov"),
        ("pcm_f64le", "matroska"),
    ],
)
def test_sound_is_read_from_every_accepted_encoding(tmp_path: Path, codec: str, container: str) -> None:
    source = replace(LOUD, sound_codec=codec, container=container).write(tmp_path / "in")
    samples = read_sound(source, 1, VideoLimits())
    assert samples is not None
    assert 2000 < max(memoryview(samples).cast("h")) < 8000


@pytest.mark.media
def test_broken_sound_leaves_the_pictures(tmp_path: Path) -> None:
    path = break_sound(LOUD.write(tmp_path / "in.mp4"), packet=0)
    assert_promise(tmp_path / "out.mp4", _normalised(path, tmp_path), 1)


@pytest.mark.media
def test_pictures_stay_as_they_are_where_the_joined_file_breaks_the_promise(tmp_path: Path) -> None:
    samples = read_sound(LOUD.write(tmp_path / "in.mp4"), 1, VideoLimits())
    assert samples is not None
    pictures = Video().write(tmp_path / "pictures.mp4")
    before = pictures.read_bytes()

    def refuse(joined: Path) -> None:
        assert joined.stat().st_size > 0
        raise MediaError("The video could not be converted.")

    assert not add_sound(samples, pictures, VideoLimits(), {}, refuse)
    assert pictures.read_bytes() == before
    assert not pictures.with_suffix(".sound").exists()


@pytest.mark.media
def test_an_hour_of_sound_is_read_only_as_far_as_the_pictures(tmp_path: Path) -> None:
    """Its packets after the first minute do not decode, so that reading on would lose the sound."""
    path = break_sound(replace(LOUD, sound_seconds=3600).write(tmp_path / "in.mp4"), packet=60 * 48000 // 1024)
    assert_promise(tmp_path / "out.mp4", _normalised(path, tmp_path), 1, has_sound=True)


def _normalised(path: Path, tmp_path: Path) -> VideoFacts:
    return normalise_video(path, tmp_path / "out.mp4", seconds=1, settings=QUICK)
