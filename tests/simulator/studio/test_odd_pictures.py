"""Any picture can be drawn from; other bytes are rejected with a ValueError that says so."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from simulator.studio import make_animation, make_avatar, make_scene
from tests.simulator.studio.pictures import encoded, frames_of, opened, photo

SIZE = (192, 128)


def avatar(data: bytes) -> Image.Image:
    return opened(make_avatar(data, prompt="p", size_px=SIZE, seed=1))


def scene(data: bytes) -> Image.Image:
    return opened(make_scene(data, prompt="moon base", size_px=SIZE, seed=1))


def last_frame(data: bytes) -> Image.Image:
    return frames_of(make_animation(data, prompt="walk", seconds=1, fps=4, size_px=SIZE, seed=1))[-1]


def sixteen_bits() -> Image.Image:
    grey = np.asarray(photo().convert("L"), dtype=np.uint16) * 257
    return Image.fromarray(grey)


ODD: dict[str, Callable[[], bytes]] = {
    "one pixel": lambda: encoded(Image.new("RGB", (1, 1), (200, 20, 20))),
    "a line": lambda: encoded(Image.new("RGB", (400, 2), (20, 200, 20))),
    "a column": lambda: encoded(Image.new("RGB", (3, 500), (20, 20, 200))),
    "portrait": lambda: encoded(photo(size=(200, 620))),
    "landscape": lambda: encoded(photo(size=(700, 180))),
    "huge": lambda: encoded(photo(size=(300, 300)).resize((6000, 4500), Image.Resampling.NEAREST), "JPEG"),
    "greyscale": lambda: encoded(photo().convert("L")),
    "sixteen bits": lambda: encoded(sixteen_bits()),
    "black and white": lambda: encoded(photo().convert("1")),
    "transparent": lambda: encoded(Image.new("RGBA", (120, 160), (0, 0, 0, 0))),
    "grey and alpha": lambda: encoded(photo().convert("LA")),
    "palette": lambda: encoded(photo().convert("P")),
    "four inks": lambda: encoded(photo().convert("CMYK"), "JPEG"),
    "webp": lambda: encoded(photo(), "WEBP"),
    "black": lambda: encoded(Image.new("RGB", (90, 90))),
    "white": lambda: encoded(Image.new("RGB", (90, 90), (255, 255, 255))),
}


@pytest.mark.parametrize("draw", [avatar, scene, last_frame])
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_picture_is_drawn_from(kind: str, draw: Callable[[bytes], Image.Image]) -> None:
    assert draw(ODD[kind]()).size == SIZE


@pytest.mark.parametrize("draw", [avatar, scene, last_frame])
@pytest.mark.parametrize(
    "data", [b"", b"not a picture", encoded(photo())[:200], b"\x89PNG\r\n\x1a\n" + bytes(64), b"GIF89a"]
)
def test_bytes_that_are_no_picture_are_rejected(data: bytes, draw: Callable[[bytes], Image.Image]) -> None:
    with pytest.raises(ValueError, match="not a picture that can be read"):
        draw(data)


def test_a_turned_photo_is_set_upright() -> None:
    upright = photo()
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG", exif=exif)
    assert np.array_equal(np.asarray(avatar(buffer.getvalue())), np.asarray(avatar(encoded(upright))))


def test_many_threads_get_the_same_result_as_one() -> None:
    data = encoded(photo())
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: make_avatar(data, prompt="p", size_px=(256, 256), seed=1), range(5)))
    assert set(made) == {make_avatar(data, prompt="p", size_px=(256, 256), seed=1)}


@pytest.mark.parametrize("size_px", [(0, 10), (15, 400), (9000, 100)])
def test_a_size_that_cannot_be_drawn_is_rejected(size_px: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="each side must be between"):
        make_avatar(encoded(photo()), prompt="p", size_px=size_px, seed=1)
