"""A poster is the picture that the video shows at one second, or where that is black, a better one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from jobs.media import normalise_video
from jobs.media.poster import Poster
from jobs.media.provenance import DIGITAL_SOURCE_TYPE
from tests.jobs.media.making import CONFORMING, UNTAGGED, Video, assert_color, frame_of, pictures_of
from tests.jobs.media.promise import QUICK


@pytest.fixture(params=[Video(size=(1280, 720), seconds=2), CONFORMING], ids=["encoded", "copied"])
def poster(tmp_path: Path, request: pytest.FixtureRequest) -> Image.Image:
    """Make the poster of a video of at least a second."""
    source, target = request.param.write(tmp_path / "in.mp4"), tmp_path / "out.webp"
    seconds = int(request.param.seconds)
    facts = normalise_video(source, tmp_path / "out.mp4", seconds=seconds, poster=target, settings=QUICK).poster
    assert facts is not None
    assert (facts.content_type, facts.width_px, facts.height_px) == ("image/webp", 1920, 1080)
    assert facts.size_bytes == target.stat().st_size
    picture = Image.open(target)
    assert (picture.format, picture.size) == ("WEBP", (1920, 1080))
    return picture


def nearest(poster: Image.Image, pictures: list[Image.Image]) -> int:
    """Return the index of the picture that differs least from the poster."""
    small = poster.resize((160, 90))
    means = [sum(ImageStat.Stat(ImageChops.difference(small, picture)).mean) for picture in pictures]
    return means.index(min(means))


def test_poster_shows_one_second_or_what_is_near(tmp_path: Path, poster: Image.Image) -> None:
    pictures = pictures_of(tmp_path / "out.mp4")
    expected = 30 if len(pictures) > 30 else 20
    # The source shows fewer pictures than its result, so that two of them may be the same.
    assert abs(nearest(poster.convert("RGB"), pictures) - expected) <= 1


def test_poster_is_marked_as_made_by_a_model(poster: Image.Image) -> None:
    assert DIGITAL_SOURCE_TYPE.encode() in poster.info["xmp"]


@pytest.mark.parametrize("video", [CONFORMING, UNTAGGED, Video(size=(1280, 720), matrix=5, tag=5)])
def test_poster_has_the_videos_colors(tmp_path: Path, video: Video) -> None:
    color = (40, 180, 60)
    still = Image.new("RGB", video.size, color)
    source = Video(**{**vars(video), "still": still}).write(tmp_path / "in.mp4")
    normalise_video(source, tmp_path / "out.mp4", seconds=1, poster=tmp_path / "out.webp", settings=QUICK)
    assert_color(Image.open(tmp_path / "out.webp").convert("RGB"), (900, 500), color)


@pytest.mark.parametrize(
    ("shades", "expected"),
    [
        ([128] * 30 + [255] * 10, 255),
        ([128] * 30 + [0] * 5 + [255] * 5 + [128] * 5, 255),
        ([0] * 10 + [255] * 10 + [0] * 20, 255),
        ([0] * 40, 0),
        ([128] * 10, 128),
    ],
    ids=["at one second", "after black", "before black", "nothing but black", "short"],
)
def test_poster_is_not_black_where_another_picture_is_not(tmp_path: Path, shades: Sequence[int], expected: int) -> None:
    poster = Poster()
    for shade in shades:
        picture = Image.new("RGB", (320, 180), (shade, shade, shade))
        poster.add(frame_of(picture).reformat(format="yuv420p", dst_colorspace="itu709"))
    poster.write(tmp_path / "out.webp")
    assert_color(Image.open(tmp_path / "out.webp").convert("RGB"), (160, 90), (expected, expected, expected), 3)
