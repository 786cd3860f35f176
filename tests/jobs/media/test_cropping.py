"""A scene is cropped around its subject: the middle is only where nothing is known to be elsewhere."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw, ImageFilter

from jobs.media.subject import crop_box

WIDE, TALL = (2400, 1080), (1536, 1536)
RATIO = (1920, 1080)


def gradient(size: tuple[int, int]) -> Image.Image:
    return Image.linear_gradient("L").resize(size).convert("RGB")


def textured(size: tuple[int, int]) -> Image.Image:
    """Return grass: the same detail everywhere."""
    tile = Image.effect_noise((256, 256), 60).filter(ImageFilter.GaussianBlur(1)).convert("RGB")
    picture = Image.new("RGB", size)
    for left in range(0, size[0], 256):
        for top in range(0, size[1], 256):
            picture.paste(tile, (left, top))
    return picture


def with_figure(picture: Image.Image, at: tuple[float, float]) -> Image.Image:
    """Draw a figure with a face around a point, given in shares of the picture's sides."""
    x, y, r = at[0] * picture.width, at[1] * picture.height, 0.12 * min(picture.size)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((x - r, y - r, x + r, y + r), "#e0a080", "black", 8)
    for eye in (-0.4, 0.4):
        draw.ellipse((x + (eye - 0.15) * r, y - 0.4 * r, x + (eye + 0.15) * r, y - 0.1 * r), "black")
    draw.arc((x - 0.5 * r, y, x + 0.5 * r, y + 0.6 * r), 0, 180, "black", 8)
    return picture


@pytest.mark.parametrize("background", [gradient, textured])
@pytest.mark.parametrize("x", [0.06, 0.1, 0.3, 0.5, 0.7, 0.9, 0.94])
def test_a_wide_picture_keeps_its_figure(background: type, x: float) -> None:
    left, top, right, bottom = crop_box(with_figure(background(WIDE), (x, 0.5)), RATIO)
    # The whole face: its radius is 130 pixels, of which the figure at the very border has less.
    assert left <= max(0, x * WIDE[0] - 130) + 30
    assert right >= min(WIDE[0], x * WIDE[0] + 130) - 30
    assert (top, bottom) == (0, 1080)
    assert right - left == pytest.approx(1920)


@pytest.mark.parametrize("background", [gradient, textured])
@pytest.mark.parametrize("y", [0.12, 0.3, 0.5, 0.7, 0.88])
def test_a_tall_picture_keeps_its_figure(background: type, y: float) -> None:
    left, top, right, bottom = crop_box(with_figure(background(TALL), (0.5, y)), RATIO)
    assert top <= max(0, y * 1536 - 184) + 40
    assert bottom >= min(1536, y * 1536 + 184) - 40
    assert (left, right) == (0, 1536)


@pytest.mark.parametrize(
    "picture", [Image.new("RGB", WIDE, "navy"), textured(WIDE), with_figure(gradient(WIDE), (0.5, 0.5))]
)
def test_the_middle_is_kept_where_nothing_speaks_against_it(picture: Image.Image) -> None:
    left, _, right, _ = crop_box(picture, RATIO)
    assert left == pytest.approx(WIDE[0] - right, abs=60)


def test_two_figures_are_both_kept_where_they_fit() -> None:
    picture = with_figure(with_figure(gradient(WIDE), (0.3, 0.5)), (0.75, 0.5))
    left, _, right, _ = crop_box(picture, RATIO)
    assert left < 0.3 * 2400 - 130
    assert right > 0.75 * 2400 + 130


def test_a_picture_of_the_right_shape_is_not_cropped() -> None:
    assert crop_box(gradient((1280, 720)), RATIO) == (0, 0, 1280, 720)


def test_the_same_picture_gives_the_same_box() -> None:
    picture = with_figure(textured(WIDE), (0.2, 0.5))
    assert crop_box(picture, RATIO) == crop_box(picture.copy(), RATIO)
