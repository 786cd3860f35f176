"""Shrinking keeps the light: fine black and white becomes the gray that the eye sees from afar."""

from __future__ import annotations

import pytest
from PIL import Image, ImageStat

from jobs.media.scaling import GAMMA, LANCZOS, scaled


def checkerboard(side_px: int) -> Image.Image:
    tile = Image.new("L", (2, 2))
    tile.putpixel((0, 0), 255)
    tile.putpixel((1, 1), 255)
    board = Image.new("L", (side_px, side_px))
    for top in range(0, side_px, 2):
        for left in range(0, side_px, 2):
            board.paste(tile, (left, top))
    return board.convert("RGB")


def light_of(picture: Image.Image) -> float:
    """Return the mean linear light of a picture, 0 to 1."""
    pixels = list(picture.convert("L").get_flattened_data())
    return sum((float(value) / 255) ** GAMMA for value in pixels) / len(pixels)  # type: ignore[arg-type]


@pytest.mark.parametrize("side_px", [100, 64, 32])
def test_a_checkerboard_keeps_its_light(side_px: int) -> None:
    assert light_of(scaled(checkerboard(200), (side_px, side_px))) == pytest.approx(0.5, abs=0.01)
    assert light_of(checkerboard(200).resize((side_px, side_px), LANCZOS)) < 0.23


@pytest.mark.parametrize("value", [0, 1, 10, 128, 254, 255])
def test_an_even_area_stays_as_it_is(value: int) -> None:
    shrunk = scaled(Image.new("RGB", (64, 64), (value, 255 - value, 40)), (32, 32))
    assert shrunk.getextrema() == ((value, value), (255 - value, 255 - value), (40, 40))


def test_an_edge_does_not_wrap_around() -> None:
    picture = Image.new("RGB", (64, 64))
    picture.paste("white", (0, 0, 32, 64))
    left, right = scaled(picture, (16, 16)).crop((0, 0, 6, 16)), scaled(picture, (16, 16)).crop((10, 0, 16, 16))
    assert min(ImageStat.Stat(left).mean) > 250
    assert max(ImageStat.Stat(right).mean) < 20


@pytest.mark.parametrize(("mode", "size"), [("RGB", (33, 33)), ("RGB", (100, 100)), ("RGBA", (16, 16))])
def test_other_scaling_is_plain(mode: str, size: tuple[int, int]) -> None:
    picture = checkerboard(64).convert(mode)
    assert scaled(picture, size).tobytes() == picture.resize(size, LANCZOS).tobytes()
