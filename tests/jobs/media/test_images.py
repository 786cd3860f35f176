"""Avatars and scenes come out at their exact size, never stretched, and marked as made by a model."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from jobs.media import OUTPUT_LIMITS, WrongType, images, normalise_avatar, normalise_scene
from jobs.media.provenance import DIGITAL_SOURCE_TYPE
from tests.jobs.media.making import assert_color, assert_round, corners_of, disc, disc_box, four_corners


def avatar_of(tmp_path: Path, picture: Image.Image, name: str = "in.png") -> Image.Image:
    picture.save(tmp_path / name)
    facts = images.normalise_avatar(tmp_path / name, tmp_path / "out.png", OUTPUT_LIMITS)
    assert (facts.content_type, facts.width_px, facts.height_px) == ("image/png", 1024, 1024)
    result = Image.open(tmp_path / "out.png")
    result.load()
    assert (result.format, result.size) == ("PNG", (1024, 1024))
    return result


def scene_of(tmp_path: Path, picture: Image.Image, name: str = "in.png") -> Image.Image:
    picture.save(tmp_path / name)
    facts = images.normalise_scene(tmp_path / name, tmp_path / "out.png", OUTPUT_LIMITS)
    assert (facts.content_type, facts.width_px, facts.height_px) == ("image/png", 1920, 1080)
    result = Image.open(tmp_path / "out.png")
    result.load()
    assert (result.format, result.size, result.mode) == ("PNG", (1920, 1080), "RGB")
    return result


def test_avatar_of_the_right_size_keeps_every_pixel(tmp_path: Path) -> None:
    picture = Image.effect_noise((1024, 1024), 80).convert("RGB")
    assert avatar_of(tmp_path, picture).tobytes() == picture.tobytes()


@pytest.mark.parametrize("side", [512, 2048])
def test_square_avatar_is_scaled(tmp_path: Path, side: int) -> None:
    assert_round(avatar_of(tmp_path, disc((side, side), side // 2)), 512)


@pytest.mark.parametrize("size", [(1536, 1024), (1024, 1536)])
def test_other_avatar_is_fitted_whole_and_stays_round(tmp_path: Path, size: tuple[int, int]) -> None:
    assert_round(avatar_of(tmp_path, disc(size, 900)), 600)


def test_avatars_border_is_continued_on_each_side(tmp_path: Path) -> None:
    picture = Image.new("RGB", (1536, 1024), (40, 90, 200))
    picture.paste((30, 120, 40), (0, 512, 1536, 1024))
    # Feet on the lower border must not tint what is added below it.
    picture.paste("black", (600, 900, 900, 1024))
    result = avatar_of(tmp_path, picture)
    assert_color(result, (500, 5), (40, 90, 200), 0)
    assert_color(result, (500, 1018), (30, 120, 40), 0)


def test_narrow_avatars_border_is_continued_left_and_right(tmp_path: Path) -> None:
    picture = Image.new("RGB", (1024, 1536), (40, 90, 200))
    picture.paste((30, 120, 40), (512, 0, 1024, 1536))
    result = avatar_of(tmp_path, picture)
    assert_color(result, (5, 500), (40, 90, 200), 0)
    assert_color(result, (1018, 500), (30, 120, 40), 0)


def test_avatar_stays_transparent(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (1536, 1024), (0, 0, 0, 0))
    picture.paste((200, 0, 0, 255), (600, 300, 900, 700))
    result = avatar_of(tmp_path, picture)
    assert result.mode == "RGBA"
    assert_color(result, (10, 10), (0, 0, 0, 0), 0)
    assert_color(result, (500, 500), (200, 0, 0, 255), 0)


def test_opaque_alpha_channel_is_dropped(tmp_path: Path) -> None:
    assert avatar_of(tmp_path, Image.new("RGBA", (1024, 1024), (1, 2, 3, 255))).mode == "RGB"


def test_scene_in_three_by_two_loses_80_rows_above_and_below(tmp_path: Path) -> None:
    picture = Image.new("RGB", (1536, 1024), "red")
    picture.paste("white", (0, 80, 1536, 944))
    result = scene_of(tmp_path, picture)
    # The outermost rows are mixed a little with what is cut off; rows further in see nothing of it.
    for row in (0, 1079):
        assert_color(result, (900, row), (255, 255, 255), 20)
    assert result.crop((0, 4, 1920, 1076)).getextrema() == ((255, 255), (255, 255), (255, 255))
    picture.paste("red", (0, 80, 1536, 81))
    assert_color(scene_of(tmp_path, picture), (900, 0), (255, 0, 0), 40)


@pytest.mark.parametrize(
    ("size", "factor"), [((1536, 1024), 1.25), ((2048, 1152), 0.9375), ((1024, 1024), 1.875), ((2000, 800), 1.35)]
)
def test_scene_is_never_stretched(tmp_path: Path, size: tuple[int, int], factor: float) -> None:
    assert_round(scene_of(tmp_path, disc(size, 400)), 400 * factor)


def test_scene_of_the_right_ratio_is_kept_whole(tmp_path: Path) -> None:
    picture = Image.new("RGB", (2048, 1152), "white")
    picture.paste("black", (0, 0, 20, 20))
    picture.paste("black", (2028, 1132, 2048, 1152))
    box = disc_box(scene_of(tmp_path, picture))
    assert box == (0, 0, 1920, 1080)


@pytest.mark.parametrize("name", ["in.jpg", "in.png", "in.webp"])
def test_every_output_type_of_the_models_is_read(tmp_path: Path, name: str) -> None:
    assert corners_of(scene_of(tmp_path, four_corners((1536, 1024)), name)) == "rgbw"
    assert corners_of(avatar_of(tmp_path, four_corners((1536, 1024)), name)) == "rgbw"


def test_both_are_marked_as_made_by_a_model(tmp_path: Path) -> None:
    picture = four_corners((1024, 1024))
    for result in (avatar_of(tmp_path, picture), scene_of(tmp_path, picture)):
        packet = ElementTree.fromstring(result.info["XML:com.adobe.xmp"].lstrip("\ufeff"))
        (description,) = packet.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
        mark = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
        assert description.get(mark) == DIGITAL_SOURCE_TYPE


def test_both_are_made_in_a_child_as_well(tmp_path: Path) -> None:
    """The other tests do the same work in this process, which is quicker."""
    four_corners((1536, 1024)).save(tmp_path / "in.png")
    avatar = normalise_avatar(tmp_path / "in.png", tmp_path / "avatar.png")
    scene = normalise_scene(tmp_path / "in.png", tmp_path / "scene.png")
    assert (avatar.width_px, avatar.height_px) == Image.open(tmp_path / "avatar.png").size == (1024, 1024)
    assert (scene.width_px, scene.height_px) == Image.open(tmp_path / "scene.png").size == (1920, 1080)


def test_an_output_that_is_not_a_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.png").write_text("<html>502 Bad Gateway</html>")
    for normalise in (normalise_avatar, normalise_scene):
        with pytest.raises(WrongType):
            normalise(tmp_path / "in.png", tmp_path / "out.png")
