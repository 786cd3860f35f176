"""A file that is not a whole video of the right length is refused with its own error, and never half accepted."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.packet import Packet
from PIL import Image

from jobs.media import (
    Damaged,
    MediaError,
    TooLarge,
    Unreadable,
    VideoLimits,
    WrongShape,
    WrongType,
    normalise_video,
    probe_video,
)
from jobs.media.containers import CONTAINERS, Container
from jobs.media.source_video import open_container
from tests.jobs.media.making import CONFORMING, Video, frame_of
from tests.jobs.media.video_fuzz.trees import Mp4, walk, written


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


def test_video_that_is_too_short_is_damaged(tmp_path: Path) -> None:
    """By more than the second for which the last picture stands in."""
    source = Video(seconds=0.9, rate=30).write(tmp_path / "in.mp4")
    with pytest.raises(Damaged, match=r"lasts 0\.9 seconds instead of 2"):
        normalise_video(source, tmp_path / "out.mp4", seconds=2)


def cut(source: Path, share: float) -> Path:
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * share)])
    return source


@pytest.mark.parametrize("video", [Video(), CONFORMING], ids=["to encode", "to copy"])
@pytest.mark.parametrize("share", [0.3, 0.99])
def test_video_cut_off_behind_its_index_is_damaged(tmp_path: Path, video: Video, share: float) -> None:
    assert_refused(Damaged, cut(video.write(tmp_path / "in.mp4"), share))


def test_video_that_lacks_its_last_packet_is_damaged(tmp_path: Path) -> None:
    """Cut exactly between two packets: nothing that is read is incomplete."""
    source = Video(options=(("preset", "ultrafast"), ("bf", "0"))).write(tmp_path / "in.mp4")
    with av.open(str(source)) as opened:
        last = max(entry.pos for entry in opened.streams.video[0].index_entries)
    source.write_bytes(source.read_bytes()[:last])
    assert_refused(Damaged, source)


def test_video_whose_pictures_are_all_shown_at_once_is_damaged(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for shade in range(25):
            picture = frame_of(Image.new("RGB", (320, 180), (shade * 10, 0, 0)))
            picture.pts, picture.time_base = shade, Fraction(1, 1_000_000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    assert "one time" in (assert_refused(Damaged, source).detail or "")


def test_video_cut_off_within_its_first_picture_is_refused(tmp_path: Path) -> None:
    source = Video(size=(1280, 720)).write(tmp_path / "in.mp4")
    start = source.read_bytes().find(b"mdat") + 40
    source.write_bytes(source.read_bytes()[:start])
    with pytest.raises((Damaged, Unreadable)):
        probe_video(source)


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


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container.names)
def test_demuxer_is_pinned(tmp_path: Path, container: Container) -> None:
    """The second lock on the same door: even unchecked, a playlist is not opened as one."""
    Video().write(tmp_path / "secret.mp4")
    (tmp_path / "in.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    with pytest.raises(Unreadable):
        open_container(tmp_path / "in.mp4", container)


@pytest.mark.parametrize(
    "content", [b"<html>502 Bad Gateway</html>", b"#EXTM3U\nsecret.mp4", b"RIFF1234WAVE", bytes(100), b"abc"]
)
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
    source = Video(codec="mpeg2video", options=()).write(tmp_path / "in.mp4")
    assert "h264" in assert_refused(WrongType, source).reason
    assert_refused(WrongType, Video().write(tmp_path / "in.mp4"), VideoLimits(codecs=("hevc",)))


def test_too_many_pixels_are_refused(tmp_path: Path) -> None:
    source = Video(size=(640, 360)).write(tmp_path / "in.mp4")
    assert_refused(TooLarge, source, VideoLimits(max_pixels=640 * 360 - 1))


def growing(path: Path) -> Path:
    """Make a video whose pictures grow midway: the headers of mpeg4 travel with its keyframes."""
    small, large = (
        Video(size=size, codec="mpeg4", options=()).write(path.with_name(name))
        for size, name in (((320, 180), "small.mp4"), ((640, 360), "large.mp4"))
    )
    with av.open(str(small)) as one, av.open(str(large)) as two, av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream_from_template(one.streams.video[0])
        header = two.streams.video[0].codec_context.extradata or b""
        for part, offset in ((one, 0), (two, one.streams.video[0].duration or 0)):
            for packet in part.demux(video=0):
                if packet.pts is None or packet.dts is None:
                    continue
                copy = Packet(header + bytes(packet) if offset and packet.is_keyframe else bytes(packet))
                copy.pts, copy.dts, copy.duration = packet.pts + offset, packet.dts + offset, packet.duration
                copy.time_base, copy.is_keyframe, copy.stream = packet.time_base, packet.is_keyframe, stream
                out.mux(copy)
    small.unlink()
    large.unlink()
    return path


def test_video_that_changes_its_size_is_damaged(tmp_path: Path) -> None:
    source = growing(tmp_path / "in.mp4")
    with pytest.raises(Damaged, match="changes its size midway"):
        normalise_video(source, tmp_path / "out.mp4", seconds=2)


def test_decoder_itself_refuses_too_many_pixels(tmp_path: Path) -> None:
    """Later pictures need not keep to the header at the beginning."""
    source = growing(tmp_path / "in.mp4")
    with pytest.raises(Damaged, match="cut off or damaged"):
        normalise_video(source, tmp_path / "out.mp4", seconds=2, limits=VideoLimits(max_pixels=640 * 360 - 1))


def test_too_many_pictures_and_bytes_are_refused(tmp_path: Path) -> None:
    source = Video().write(tmp_path / "in.mp4")
    assert_refused(TooLarge, source, VideoLimits(max_packets=24))
    assert_refused(TooLarge, source, VideoLimits(max_bytes=source.stat().st_size - 1))


def with_tracks(source: Path, tracks: int) -> Path:
    """Repeat the only track of an MP4 whose index stands at its end."""
    data = source.read_bytes()
    moov, trak = data.index(b"moov") - 4, data.index(b"trak") - 4
    copies = data[trak : trak + int.from_bytes(data[trak : trak + 4], "big")] * (tracks - 1)
    size = int.from_bytes(data[moov : moov + 4], "big") + len(copies)
    source.write_bytes(data[:moov] + size.to_bytes(4, "big") + data[moov + 4 : trak] + copies + data[trak:])
    return source


@pytest.mark.parametrize("tracks", [9, 5000])
def test_too_many_tracks_are_refused(tmp_path: Path, tracks: int) -> None:
    source = Video(movflags=None).write(tmp_path / "in.mp4")
    assert_refused(TooLarge, with_tracks(source, tracks))


def test_picture_that_claims_more_bytes_than_can_be_read_is_refused(tmp_path: Path) -> None:
    """It would be waited for again and again, if it counted as a lack of memory."""
    source = Video(movflags="frag_every_frame+empty_moov+default_base_moof").write(tmp_path / "in.mp4")
    nodes = Mp4().parse(source.read_bytes())
    last = [node for node in walk(nodes) if node.kind == b"tfhd"][-1]
    # Behind the flags, the track and the duration.
    last.data = last.data[:12] + (2**31 - 100).to_bytes(4, "big") + last.data[16:]
    source.write_bytes(written(Mp4(), nodes))
    assert_refused(TooLarge, source)


@pytest.mark.parametrize("aspect", [(1, 2**30), (2**30, 1)])
def test_pixels_of_impossible_proportions_are_damage(tmp_path: Path, aspect: tuple[int, int]) -> None:
    source = Video(movflags=None, pixel_aspect=Fraction(4, 3), codec="mjpeg", pixel_format="yuvj420p", options=())
    nodes = Mp4().parse(source.write(tmp_path / "in.mp4").read_bytes())
    [sample] = [node for node in walk(nodes) if node.kind in (b"mp4v", b"jpeg")]
    [proportions] = [node for node in sample.children if node.kind == b"pasp"]
    proportions.data = aspect[0].to_bytes(4, "big") + aspect[1].to_bytes(4, "big")
    (tmp_path / "in.mp4").write_bytes(written(Mp4(), nodes))
    assert "framed" in (assert_refused(Damaged, tmp_path / "in.mp4").detail or "")


def test_tiny_video_is_refused(tmp_path: Path) -> None:
    assert_refused(WrongShape, Video(size=(64, 36), still=Image.new("RGB", (64, 36))).write(tmp_path / "in.mp4"))


def test_missing_source_is_not_the_medias_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        normalise_video(tmp_path / "absent.mp4", tmp_path / "out.mp4", seconds=1)
    with pytest.raises(FileNotFoundError):
        probe_video(tmp_path / "absent.mp4")
