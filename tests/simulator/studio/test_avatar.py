"""An avatar is a whole figure on plain paper in which the person of the photograph can be recognized."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from simulator.studio import make_avatar
from simulator.studio.avatar import PAPER
from simulator.studio.figure.standee import cut_out
from simulator.studio.likeness.clothes import read_colouring
from simulator.studio.likeness.faces import Face, find_face
from tests.simulator.studio.pictures import ANNA, BORIS, Person, correlation, encoded, opened, photo, shared_colours

SIZE = (512, 512)


def avatar(person: Person = ANNA, *, seed: int = 1, size_px: tuple[int, int] = SIZE) -> Image.Image:
    return opened(make_avatar(encoded(photo(person)), prompt="a comic avatar", size_px=size_px, seed=seed))


def head_of(picture: Image.Image) -> Image.Image:
    """Return the face's part of an avatar: everyone's chin is at the same height."""
    side = picture.width
    return picture.crop((round(side * 0.4), round(side * 0.2), round(side * 0.6), round(side * 0.46)))


def face_of(person: Person) -> Image.Image:
    picture = photo(person)
    tall = person.face_height * picture.height
    x, y = person.x * picture.width, person.y * picture.height
    return picture.crop((round(x - tall * 0.33), round(y - tall * 0.36), round(x + tall * 0.33), round(y + tall * 0.5)))


@pytest.mark.parametrize("size_px", [(1024, 1024), (512, 512), (640, 960), (960, 400), (97, 131)])
def test_the_picture_has_exactly_the_wanted_size(size_px: tuple[int, int]) -> None:
    assert avatar(size_px=size_px).size == size_px


def test_equal_arguments_give_equal_bytes() -> None:
    first, second = (make_avatar(encoded(photo()), prompt="x", size_px=SIZE, seed=5) for _ in range(2))
    assert first == second


def test_the_seed_chooses_among_avatars() -> None:
    avatars = {make_avatar(encoded(photo()), prompt="x", size_px=(256, 256), seed=seed) for seed in range(5)}
    assert len(avatars) > 1


@pytest.mark.parametrize(("person", "other"), [(ANNA, BORIS), (BORIS, ANNA)])
def test_the_head_has_the_colours_of_its_own_photo(person: Person, other: Person) -> None:
    head = head_of(avatar(person))
    own, others = shared_colours(head, face_of(person)), shared_colours(head, face_of(other))
    assert own > others + 0.15


def best_match(face: Image.Image, picture: Image.Image) -> float:
    """Return the best correlation of a face with any place in the upper middle of an avatar, at any likely size."""
    side, found = picture.width, []
    for share in (0.16, 0.2, 0.24, 0.28, 0.32, 0.36):
        wide, tall = share * side, share * side * face.height / face.width
        for top in np.arange(0.06, 0.34, 0.02):
            box = ((side - wide) / 2, top * side, (side + wide) / 2, top * side + tall)
            found.append(correlation(picture.resize((48, 48), Image.Resampling.BOX, box), face))
    return max(found)


@pytest.mark.parametrize("person", [ANNA, BORIS])
def test_the_face_keeps_its_features(person: Person) -> None:
    face, picture = face_of(person), avatar(person)
    upside_down = face.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    assert best_match(face, picture) > 0.6
    assert best_match(face, picture) > best_match(upside_down, picture) + 0.15


@pytest.mark.parametrize("person", [ANNA, BORIS, Person(x=0.62, y=0.5, face_height=0.5), Person(face_height=0.24)])
def test_a_face_is_found_where_it_is(person: Person) -> None:
    picture = photo(person, (160, 160))
    face = find_face(picture)
    tall = person.face_height * 160
    assert abs(face.x - person.x * 160) < tall * 0.2
    assert abs(face.y - person.y * 160) < tall * 0.25
    assert 0.6 < face.height / tall < 1.5


def test_no_face_is_found_on_an_empty_wall() -> None:
    face = find_face(Image.new("RGB", (160, 120), (128, 140, 150)))
    assert face.confidence == 0
    assert 40 < face.x < 120


@pytest.mark.parametrize("person", [ANNA, BORIS])
def test_the_body_wears_the_photos_clothes(person: Person) -> None:
    picture = photo(person)
    tall = person.face_height * 360
    worn = read_colouring(picture, Face(person.x * 360, person.y * 360, tall * 0.8, tall, 1.0))
    strongest = int(np.argmax(person.shirt))
    assert int(np.argmax(worn.top)) == strongest
    assert worn.top[strongest] - sorted(worn.top)[0] > 40


def test_the_figure_is_whole_and_has_a_margin() -> None:
    picture = avatar()
    figure = cut_out(picture)
    assert 0.8 < figure.height / picture.height < 0.95
    border = np.concatenate([np.asarray(picture)[edge] for edge in (0, -1)])
    assert np.abs(border.astype(int) - np.array(PAPER)).max() <= 2


def test_the_figure_is_one_piece_without_holes() -> None:
    alpha = np.asarray(cut_out(avatar()).getchannel("A"))
    across = alpha[: alpha.shape[0] // 2, alpha.shape[1] // 2]
    assert (across[8:] > 200).all()
