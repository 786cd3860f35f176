"""A poster is the picture that the video shows at one second."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from jobs.media import make_poster
from jobs.media.provenance import DIGITAL_SOURCE_TYPE
from tests.jobs.media.making import Video, assert_color, assert_round, disc, pictures_of


def poster_of(tmp_path: Path, video: Video) -> Image.Image:
    facts = make_poster(video.write(tmp_path / "in.mp4"), tmp_path / "out.webp")
    assert (facts.content_type, facts.width_px, facts.height_px) == ("image/webp", 1920, 1080)
    assert facts.size_bytes == (tmp_path / "out.webp").stat().st_size
    poster = Image.open(tmp_path / "out.webp")
    assert (poster.format, poster.size) == ("WEBP", (1920, 1080))
    return poster.convert("RGB")


def nearest(poster: Image.Image, pictures: list[Image.Image]) -> int:
    """Return the index of the picture that differs least from the poster."""
    small = poster.resize((160, 90))
    means = [sum(ImageStat.Stat(ImageChops.difference(small, picture)).mean) for picture in pictures]
    return means.index(min(means))


@pytest.mark.parametrize(("seconds", "expected"), [(2.0, 10), (0.5, 4)])
def test_poster_shows_one_second_or_the_end(tmp_path: Path, seconds: float, expected: int) -> None:
    poster = poster_of(tmp_path, Video(rate=10, seconds=seconds))
    assert nearest(poster, pictures_of(tmp_path / "in.mp4")) == expected


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768)])
def test_poster_is_never_stretched(tmp_path: Path, size: tuple[int, int]) -> None:
    assert_round(poster_of(tmp_path, Video(size=size, still=disc(size, 300))), 300 * 1920 / size[0])


@pytest.mark.parametrize("matrix", [1, 5])
def test_poster_has_the_videos_colors(tmp_path: Path, matrix: int) -> None:
    size, color = (1280, 720), (40, 180, 60)
    video = Video(size=size, still=Image.new("RGB", size, color), matrix=matrix, tag=matrix)
    assert_color(poster_of(tmp_path, video), (900, 500), color)


def test_poster_is_marked_as_made_by_a_model(tmp_path: Path) -> None:
    make_poster(Video().write(tmp_path / "in.mp4"), tmp_path / "out.webp")
    assert DIGITAL_SOURCE_TYPE.encode() in Image.open(tmp_path / "out.webp").info["xmp"]
