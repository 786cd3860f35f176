"""A scene is the avatar, whole, in the setting that the prompt names."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
from PIL import Image

from simulator.studio import make_avatar, make_scene, wants_scene
from simulator.studio.figure.standee import cut_out
from simulator.studio.motion.actor import find_actor
from simulator.studio.settings import ABSTRACT, SETTINGS, setting_for
from tests.simulator.studio.pictures import (
    ANNA,
    BORIS,
    Person,
    correlation,
    difference,
    encoded,
    opened,
    photo,
    shared_colours,
)

THEMES = [setting.name for setting in SETTINGS]
SIZE = (480, 320)


@cache
def avatar(person: Person = ANNA) -> bytes:
    return make_avatar(encoded(photo(person)), prompt="an avatar", size_px=(512, 512), seed=1)


@cache
def scene(theme: str, person: Person = ANNA, size_px: tuple[int, int] = SIZE) -> Image.Image:
    prompt = f"Image 1: the avatar. Place it in: {theme}."
    return opened(make_scene(avatar(person), prompt=prompt, size_px=size_px, seed=1))


def standing_in(picture: Image.Image) -> Image.Image:
    """Return the place of the figure in a scene: from the head's top to the soles."""
    width, height = picture.size
    figure = cut_out(opened(avatar()))
    tall = 0.668 * height
    half = tall * figure.width / figure.height / 2
    left, right, bottom = round(width / 2 - half), round(width / 2 + half), round(0.884 * height)
    return picture.crop((left, round(0.884 * height - tall), right, bottom))


def test_there_are_twelve_settings() -> None:
    assert len(set(THEMES)) == 12


@pytest.mark.parametrize("theme", THEMES)
def test_each_theme_is_recognised_by_its_name(theme: str) -> None:
    assert setting_for(f"A hero in a {theme.upper().replace(' ', '-')} at dusk").name == theme


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Setting: 'a quiet moon'. Keep the sky like over a mountain.", "moon base"),
        ('Theme: "sky islands". Cover the beach.', "sky islands"),
        ("This template has great simplicity and recovers", "abstract"),
        ("two medieval castles", "medieval castle"),
    ],
)
def test_the_quoted_theme_and_whole_words_count(prompt: str, name: str) -> None:
    assert setting_for(prompt).name == name


def test_the_more_exact_words_win() -> None:
    assert setting_for("a city of ruins: neon city").name == "neon city"
    assert setting_for("a bowl of soup") is ABSTRACT


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations([*THEMES, "a bowl of soup"], 2)))
def test_settings_differ_strongly(one: str, other: str) -> None:
    """Either the colours are others, or they are in other places; the figure in the middle is the same in all."""
    first, second = scene(one), scene(other)
    assert shared_colours(first, second) < 0.62
    assert difference(first, second) > 0.1


@pytest.mark.parametrize("theme", [*THEMES, "a bowl of soup"])
def test_the_avatar_stands_in_the_scene(theme: str) -> None:
    figure = cut_out(opened(avatar()))
    ground = Image.new("RGB", figure.size, (128, 128, 128))
    middle = (round(figure.width * 0.25), 0, round(figure.width * 0.75), round(figure.height * 0.6))
    ground.paste(figure, mask=figure.getchannel("A"))
    place = standing_in(scene(theme)).resize(figure.size)
    assert correlation(ground.crop(middle), place.crop(middle)) > 0.8


def test_another_avatar_makes_another_scene() -> None:
    assert difference(standing_in(scene("moon base")), standing_in(scene("moon base", BORIS))) > 0.05


# Every setting takes seconds to draw, so the tests look at some of them and `make soak` at the rest.
LOOKED_AT = ("enchanted forest", "alpine summit", "a bowl of soup")


@pytest.mark.parametrize(
    "theme",
    [*LOOKED_AT, *(pytest.param(theme, marks=pytest.mark.thorough) for theme in THEMES if theme not in LOOKED_AT)],
)
def test_the_figure_keeps_to_the_middle_and_off_the_cropped_edges(theme: str) -> None:
    picture = scene(theme, size_px=(960, 640))
    actor = find_actor(picture)
    assert actor.is_cut
    visible = actor.figure.getchannel("A").point(lambda value: 255 * (value > 250)).getbbox()
    assert visible is not None
    left, top, right, bottom = visible
    assert actor.box[0] + left >= 960 / 3
    assert actor.box[0] + right <= 960 * 2 / 3
    assert actor.box[1] + top > 640 * 0.08
    assert actor.box[1] + bottom < 640 * 0.92


@pytest.mark.parametrize("size_px", [(1536, 1024), (600, 400), (512, 512), (400, 600), (1024, 300), (40, 30)])
def test_the_picture_has_exactly_the_wanted_size(size_px: tuple[int, int]) -> None:
    assert scene("coral reef", size_px=size_px).size == size_px


def test_equal_arguments_give_equal_bytes() -> None:
    first, second = (make_scene(avatar(), prompt="wild west", size_px=SIZE, seed=2) for _ in range(2))
    assert first == second
    assert make_scene(avatar(), prompt="wild west", size_px=SIZE, seed=3) != first


def test_an_avatar_with_transparent_ground_needs_no_keying() -> None:
    figure = cut_out(opened(avatar()))
    floating = Image.new("RGBA", (600, 600), (0, 255, 0, 0))
    floating.paste(figure, (150, 40))
    picture, keyed = (
        opened(make_scene(data, prompt="moon base", size_px=SIZE, seed=1)) for data in (encoded(floating), avatar())
    )
    assert difference(picture, keyed) < 0.02
    assert np.asarray(picture)[..., 1].mean() < 140


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("Image 1: the avatar. Place the same character in this setting: 'bowl of soup'", True),
        ("The character in an enchanted forest", True),
        ("Wide scene, full body in the centre third", True),
        ("Full body avatar of the person in the selfie on a plain background", False),
        ("Image 1: the selfie. Comic character, plain neutral background, no scenery", False),
        ("A comic portrait", False),
        ("Image 1 is the avatar, Image 2 the selfie for likeness only. Place it in: 'a bowl of soup'", True),
        ("Image 1: a photo of a person in a neon city. Draw them as an avatar.", False),
    ],
)
def test_a_prompt_for_a_scene_is_recognized(prompt: str, wanted: bool) -> None:
    assert wants_scene(prompt) is wanted
