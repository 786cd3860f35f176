"""A video that does not begin with the scene it was made from is refused; one that is a little off is not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from jobs.media import Unrelated, normalise_video
from jobs.media.opening import FINE, LOOKED_AT, OpeningCheck
from simulator.studio.canvas import Canvas
from simulator.studio.settings import setting_for
from tests.jobs.media.making import CONFORMING, Video, frame_of
from tests.jobs.media.promise import QUICK, assert_promise

pytestmark = pytest.mark.media

Change = Callable[[Image.Image], Image.Image]


@cache
def scene(name: str = "medieval castle") -> Image.Image:
    setting, canvas = setting_for(name), Canvas((768, 512))
    setting.behind(canvas, random.Random(1))
    setting.before(canvas, random.Random(1))
    return canvas.image.convert("RGB").crop((0, 40, 768, 472))


def zoomed(picture: Image.Image, zoom: float) -> Image.Image:
    return ImageOps.scale(picture, zoom).crop(
        (
            round(picture.width * (zoom - 1) / 2),
            round(picture.height * (zoom - 1) / 2),
            round(picture.width * (zoom + 1) / 2),
            round(picture.height * (zoom + 1) / 2),
        )
    )


def lighter(share: float) -> Change:
    return lambda picture: ImageEnhance.Brightness(picture).enhance(share)


HARMLESS: dict[str, Change] = {
    "itself": lambda picture: picture,
    "soft": lambda picture: picture.filter(ImageFilter.GaussianBlur(4)),
    "10% nearer": lambda picture: zoomed(picture, 1.1),
    "10% farther": lambda picture: zoomed(picture, 0.9),
    "lighter by 20%": lighter(1.2),
    "darker by 20%": lighter(0.8),
    "other colors": lambda picture: Image.merge("RGB", (*picture.split()[1:], picture.split()[0])),
    "aside": lambda picture: picture.crop((20, 0, picture.width, picture.height - 11)).resize(picture.size),
}
WRONG: dict[str, Change] = {
    "mirrored": ImageOps.mirror,
    "upside down": ImageOps.flip,
    "another scene": lambda _: scene("wild west"),
    "noise": lambda picture: Image.effect_noise(picture.size, 80).convert("RGB"),
    "black": lambda picture: Image.new("RGB", picture.size),
}


def gray(picture: Image.Image) -> Image.Image:
    return picture.convert("L").resize(FINE)


def opening(check: OpeningCheck, *pictures: Image.Image) -> None:
    for picture in pictures:
        check.add(frame_of(picture))


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_model_changes_does_no_harm(name: str) -> None:
    opening(OpeningCheck(gray(scene())), *[HARMLESS[name](scene())] * (LOOKED_AT[-1] + 1))


@pytest.mark.parametrize("name", WRONG)
def test_another_picture_is_refused(name: str) -> None:
    with pytest.raises(Unrelated):
        opening(OpeningCheck(gray(scene())), *[WRONG[name](scene())] * (LOOKED_AT[-1] + 1))


def test_video_may_fade_in_within_half_a_second() -> None:
    small = scene().resize(FINE)
    fading = [lighter(number / 15)(small) for number in range(15)]
    opening(OpeningCheck(small.convert("L")), *fading)
    with pytest.raises(Unrelated):
        opening(OpeningCheck(small.convert("L")), *[fading[0]] * 15, *fading)


def test_no_more_is_compared_after_the_first_that_fits() -> None:
    small = scene().resize(FINE)
    opening(OpeningCheck(small.convert("L")), small, *[ImageOps.mirror(small)] * (LOOKED_AT[-1] + 1))


@pytest.mark.parametrize("base", [Video(size=(640, 360)), CONFORMING], ids=["to encode", "to copy"])
def test_video_must_begin_with_its_scene(tmp_path: Path, base: Video) -> None:
    scene().save(tmp_path / "scene.png")
    ImageOps.mirror(scene()).save(tmp_path / "mirrored.png")
    source, target = replace(base, still=scene().resize(base.size)).write(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    with pytest.raises(Unrelated, match="does not begin with its scene"):
        normalise_video(source, target, seconds=1, settings=QUICK, scene=tmp_path / "mirrored.png")
    assert not target.exists()
    facts = normalise_video(source, target, seconds=1, settings=QUICK, scene=tmp_path / "scene.png")
    assert_promise(target, facts, 1)


def test_scene_that_does_not_decode_costs_no_video(tmp_path: Path) -> None:
    """Keep what was paid for where nothing is known to be wrong with it."""
    (tmp_path / "scene.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    source, target = Video().write(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    assert_promise(target, normalise_video(source, target, seconds=1, settings=QUICK, scene=tmp_path / "scene.png"), 1)
