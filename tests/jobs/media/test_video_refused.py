"""What is not a whole video of the right length is refused by its own error, and never half accepted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from jobs.media import (
    Damaged,
    MediaError,
    TooLarge,
    Unreadable,
    VideoLimits,
    WrongShape,
    WrongType,
    make_poster,
    normalise_video,
    probe_video,
)
from jobs.media.source_video import open_container
from tests.jobs.media.making import CONFORMING, Video


def assert_refused(error: type[MediaError], source: Path, limits: VideoLimits = VideoLimits()) -> MediaError:  # noqa: B008
    """Assert that a file is refused in words fit for anyone, and that nothing is left behind."""
    target = source.parent / "out.mp4"
    before = sorted(source.parent.iterdir())
    with pytest.raises(error) as caught:
        normalise_video(source, target, seconds=1, limits=limits)
    assert type(caught.value) is error
    assert str(source.parent) not in caught.value.reason
    assert sorted(source.parent.iterdir()) == before
    return caught.value


@pytest.mark.parametrize("seconds", [0.4, 1.6])
def test_wrong_length_is_damage(tmp_path: Path, seconds: float) -> None:
    source = Video(seconds=seconds).write(tmp_path / "in.mp4")
    assert f"lasts {seconds:.1f} seconds instead of 1" in assert_refused(Damaged, source).reason


def cut(source: Path, share: float) -> Path:
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * share)])
    return source


@pytest.mark.parametrize("video", [Video(), CONFORMING], ids=["to encode", "to copy"])
@pytest.mark.parametrize("share", [0.3, 0.99])
def test_video_cut_off_behind_its_index_is_damaged(tmp_path: Path, video: Video, share: float) -> None:
    assert_refused(Damaged, cut(video.write(tmp_path / "in.mp4"), share))


def test_video_cut_off_within_its_first_picture_is_refused(tmp_path: Path) -> None:
    source = Video(size=(1280, 720)).write(tmp_path / "in.mp4")
    start = source.read_bytes().find(b"mdat") + 40
    source.write_bytes(source.read_bytes()[:start])
    for operation in (probe_video, lambda path: make_poster(path, tmp_path / "out.webp")):
        with pytest.raises((Damaged, Unreadable)):
            operation(source)


def test_video_without_its_index_is_unreadable(tmp_path: Path) -> None:
    assert_refused(Unreadable, cut(Video(movflags=None).write(tmp_path / "in.mp4"), 0.9))


def test_fragmented_video_that_ends_early_is_damaged(tmp_path: Path) -> None:
    flags = "frag_every_frame+empty_moov+default_base_moof"
    assert_refused(Damaged, cut(replace(CONFORMING, movflags=flags).write(tmp_path / "in.mp4"), 0.35))


@pytest.mark.parametrize("video", [Video(size=(640, 360)), CONFORMING], ids=["to encode", "to copy"])
def test_flipped_bytes_are_damage(tmp_path: Path, video: Video) -> None:
    """Only decoding shows it: sizes, times and index are all as they should be."""
    source = video.write(tmp_path / "in.mp4")
    data = bytearray(source.read_bytes())
    start = data.find(b"mdat")
    for at in range(start + (len(data) - start) // 3, len(data) - 200, 997):
        data[at : at + 40] = bytes(byte ^ 0x5A for byte in data[at : at + 40])
    source.write_bytes(data)
    assert_refused(Damaged, source)


def test_playlist_in_disguise_is_refused(tmp_path: Path) -> None:
    secret = Video().write(tmp_path / "secret.mp4")
    source = tmp_path / "in.mp4"
    source.write_text(f"ffconcat version 1.0\nfile {secret}\n")
    assert_refused(WrongType, source)


def test_demuxer_is_pinned(tmp_path: Path) -> None:
    """The second lock on the same door: even unchecked, a playlist is not opened as one."""
    Video().write(tmp_path / "secret.mp4")
    (tmp_path / "in.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    with pytest.raises(Unreadable):
        open_container(tmp_path / "in.mp4")


@pytest.mark.parametrize("content", [b"<html>502 Bad Gateway</html>", b"\x1aE\xdf\xa3webm", bytes(100), b"abc"])
def test_other_files_are_of_the_wrong_type(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.mp4").write_bytes(content)
    assert_refused(WrongType, tmp_path / "in.mp4")


def test_empty_file_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "in.mp4").touch()
    assert_refused(Unreadable, tmp_path / "in.mp4")


def test_header_alone_is_unreadable(tmp_path: Path) -> None:
    source = Video().write(tmp_path / "in.mp4")
    source.write_bytes(source.read_bytes()[:64])
    assert_refused(Unreadable, source)


def test_encodings_not_listed_are_refused(tmp_path: Path) -> None:
    source = Video(codec="mjpeg", pixel_format="yuvj420p", options=()).write(tmp_path / "in.mp4")
    assert "h264" in assert_refused(WrongType, source).reason
    assert_refused(WrongType, Video().write(tmp_path / "in.mp4"), VideoLimits(codecs=("hevc",)))


def test_too_many_pixels_are_refused(tmp_path: Path) -> None:
    source = Video(size=(640, 360)).write(tmp_path / "in.mp4")
    assert_refused(TooLarge, source, VideoLimits(max_pixels=640 * 360 - 1))


def test_decoder_refuses_more_pixels_than_the_header_admits(tmp_path: Path) -> None:
    """A header can lie; what the decoder finds in the stream itself is limited as well."""
    source = Video(size=(640, 360), codec="mpeg4", options=()).write(tmp_path / "in.mp4")
    data = bytearray(source.read_bytes())
    entry = data.find(b"mp4v")
    width_at = entry + 4 + 24
    assert data[width_at : width_at + 4] == bytes([640 >> 8, 640 & 255, 360 >> 8, 360 & 255])
    data[width_at : width_at + 4] = bytes([0, 100, 0, 100])
    source.write_bytes(data)
    with pytest.raises(MediaError):
        probe_video(source, limits=VideoLimits(max_pixels=640 * 360 - 1))
    assert probe_video(source, limits=VideoLimits(max_pixels=640 * 360 * 2)).width_px == 640


def test_too_many_pictures_and_bytes_are_refused(tmp_path: Path) -> None:
    source = Video().write(tmp_path / "in.mp4")
    assert_refused(TooLarge, source, VideoLimits(max_packets=24))
    assert_refused(TooLarge, source, VideoLimits(max_bytes=source.stat().st_size - 1))


def test_tiny_video_is_refused(tmp_path: Path) -> None:
    assert_refused(WrongShape, Video(size=(64, 36), still=Image.new("RGB", (64, 36))).write(tmp_path / "in.mp4"))


def test_missing_source_is_not_the_medias_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        normalise_video(tmp_path / "absent.mp4", tmp_path / "out.mp4", seconds=1)
    with pytest.raises(FileNotFoundError):
        probe_video(tmp_path / "absent.mp4")
