"""A visible label is drawn into pictures and videos, and what the checks and the models see is without it."""

from __future__ import annotations

import string
from dataclasses import replace
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from jobs.media import Blank, VideoFacts, add_label, normalise_avatar, normalise_scene, normalise_video
from jobs.media.label import PLATE_COLOR, margin_px, plate
from jobs.media.preview import HEIGHT_PX as PREVIEW_HEIGHT_PX
from jobs.media.provenance import DIGITAL_SOURCE_TYPE
from tests.jobs.media.making import CONFORMING, Video, difference, first_picture
from tests.jobs.media.promise import QUICK, assert_promise

pytestmark = pytest.mark.media
TEXT = "AI-generated"
# Where the label of a picture of this size stands.
BOX = (28, 28, 28 + plate((1920, 1080), TEXT).width, 28 + plate((1920, 1080), TEXT).height)


def corner(picture: Image.Image) -> Image.Image:
    """Return what stands where the label belongs, at the size of a scene."""
    return picture.convert("RGB").resize((1920, 1080)).crop(BOX)


def assert_labelled(picture: Image.Image, most: float = 12) -> None:
    """Check that the corner shows the label: drawn anew, and differing no more than scaling and encoding make it."""
    assert difference(corner(picture), plate((1920, 1080), TEXT)) < most


@pytest.mark.parametrize("shade", ["black", "white", "gray"])
def test_a_label_is_read_on_any_background(tmp_path: Path, shade: str) -> None:
    Image.new("RGB", (1920, 1080), shade).save(tmp_path / "in.png")
    facts = add_label(tmp_path / "in.png", tmp_path / "out.png", TEXT)
    shown = Image.open(tmp_path / "out.png")
    assert (facts.content_type, facts.width_px, facts.height_px) == ("image/png", 1920, 1080)
    assert_labelled(shown, 0.01)
    darkest, lightest = corner(shown).convert("L").getextrema()
    assert (darkest, lightest) == (0, 255)
    assert DIGITAL_SOURCE_TYPE in shown.text["XML:com.adobe.xmp"]  # type: ignore[attr-defined]


def test_all_but_the_corner_stays_as_it_is(tmp_path: Path) -> None:
    Image.effect_noise((1920, 1080), 80).convert("RGB").save(tmp_path / "in.png")
    add_label(tmp_path / "in.png", tmp_path / "out.png", TEXT)
    before, after = Image.open(tmp_path / "in.png").convert("RGB"), Image.open(tmp_path / "out.png")
    assert ImageChops.difference(before, after).getbbox() == BOX


def test_a_transparent_avatar_gets_an_opaque_label(tmp_path: Path) -> None:
    Image.new("RGBA", (1024, 1024), (0, 0, 0, 0)).save(tmp_path / "in.png")
    normalise_avatar(tmp_path / "in.png", tmp_path / "avatar.png")
    add_label(tmp_path / "avatar.png", tmp_path / "out.png", TEXT)
    shown = Image.open(tmp_path / "out.png")
    label = plate((1024, 1024), TEXT)
    left = margin_px(1024)
    assert shown.mode == "RGBA"
    assert shown.getchannel("A").getbbox() == (left, left, left + label.width, left + label.height)


def test_smaller_copies_show_the_label_in_proportion(tmp_path: Path) -> None:
    Image.new("RGB", (1536, 1024), "olive").save(tmp_path / "in.png")
    normalise_scene(tmp_path / "in.png", tmp_path / "scene.png")
    made = add_label(tmp_path / "scene.png", tmp_path / "out.png", TEXT, renditions=tmp_path / "copies").renditions
    assert len(made) == 4
    for path in (tmp_path / "copies").iterdir():
        assert_labelled(Image.open(path), 50)


@pytest.mark.parametrize("text", [TEXT, "W" * 40, string.ascii_letters[:40], "i"])
@pytest.mark.parametrize("size", [(1024, 1024), (1920, 1080)])
def test_a_label_fits_into_its_picture(text: str, size: tuple[int, int]) -> None:
    label = plate(size, text)
    assert label.width + 2 * margin_px(size[1]) <= size[0] + 2
    assert (label.width % 2, label.height % 2, margin_px(size[1]) % 2) == (0, 0, 0)
    # No letter touches the border of its plate.
    inner = ImageChops.difference(label, Image.new("RGB", label.size, PLATE_COLOR)).getbbox()
    assert inner is not None
    assert inner[0] > 0 < inner[1]
    assert inner[2] < label.width
    assert inner[3] < label.height


def test_the_font_has_every_character_that_the_setting_allows() -> None:
    unknown = plate((1920, 1080), "\uffff").tobytes()
    for character in map(chr, range(ord("!"), ord("~") + 1)):
        assert plate((1920, 1080), character).tobytes() != unknown, character


def test_a_labelled_video_keeps_its_promise_and_is_encoded(tmp_path: Path) -> None:
    """Also one that could be copied: a copy would show its pictures as they came."""
    facts = _labelled_video(tmp_path, CONFORMING, TEXT)
    assert not facts.remuxed
    assert facts.poster is not None
    assert facts.preview is not None
    assert_promise(tmp_path / "out.mp4", facts, 1)
    assert_labelled(first_picture(tmp_path / "out.mp4"))
    assert_labelled(_last_picture(tmp_path / "out.mp4"))
    preview = first_picture(tmp_path / "preview.mp4")
    assert preview.height == PREVIEW_HEIGHT_PX
    assert_labelled(preview, 30)
    assert_labelled(Image.open(tmp_path / "poster.webp"))


def _labelled_video(tmp_path: Path, video: Video, label: str, scene: Path | None = None) -> VideoFacts:
    return normalise_video(
        video.write(tmp_path / "in.mp4"),
        tmp_path / "out.mp4",
        seconds=1,
        scene=scene,
        poster=tmp_path / "poster.webp",
        preview=tmp_path / "preview.mp4",
        label=label,
        settings=QUICK,
    )


def _last_picture(path: Path) -> Image.Image:
    with av.open(str(path)) as source:
        *_, last = source.decode(video=0)
    image: Image.Image = last.to_image()  # type: ignore[no-untyped-call]
    return image


def test_a_video_with_fields_that_show_late_is_labelled(tmp_path: Path) -> None:
    """Its first pass ends in the middle, and another one begins."""
    facts = _labelled_video(tmp_path, Video(size=(1280, 720), combed=True), TEXT)
    assert facts.frames == 30
    assert_labelled(_last_picture(tmp_path / "out.mp4"))


def test_without_a_label_a_conforming_video_is_copied(tmp_path: Path) -> None:
    facts = _labelled_video(tmp_path, CONFORMING, "")
    assert facts.remuxed
    shown = corner(first_picture(tmp_path / "out.mp4"))
    assert difference(shown, corner(first_picture(tmp_path / "in.mp4"))) == 0


def test_a_black_video_is_refused_though_its_label_is_not_black(tmp_path: Path) -> None:
    black = replace(CONFORMING, still=Image.new("RGB", (1920, 1080)), frozen=True)
    with pytest.raises(Blank):
        _labelled_video(tmp_path, black, "W" * 40)


def test_a_video_is_compared_with_its_scene_without_the_label(tmp_path: Path) -> None:
    scene = first_picture(CONFORMING.write(tmp_path / "in.mp4"))
    scene.save(tmp_path / "scene.png")
    assert _labelled_video(tmp_path, CONFORMING, TEXT, tmp_path / "scene.png").frames == 30
    assert ImageStat.Stat(corner(scene)).mean != ImageStat.Stat(plate((1920, 1080), TEXT)).mean
