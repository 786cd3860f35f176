"""Pictures that go to the provider are JPEGs on white below a megabyte, converted outside this process."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from jobs.media import MediaError
from jobs.media.isolation import CODE
from jobs.providers.inputs import PictureInputs
from storage import Content
from tests.support.fakes import FakeProvider, MemoryStore


def uploaded(picture: bytes) -> bytes:
    """Return what the provider gets of a stored picture."""
    store: Any = MemoryStore()
    store.objects["key.png"] = picture
    provider = FakeProvider()
    address = PictureInputs(store, uploads_to=provider).address(
        "key.png", Content(len(picture), ""), uuid4(), expires_s=60
    )
    return provider.files[address]


def png_of(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_a_transparent_picture_comes_onto_white() -> None:
    picture = Image.new("RGBA", (1024, 1024), (0, 0, 0, 0))
    picture.paste((200, 0, 0, 255), (512, 0, 1024, 1024))
    result = Image.open(io.BytesIO(uploaded(png_of(picture))))
    assert (result.format, result.size) == ("JPEG", (1024, 1024))
    left, right = result.getpixel((100, 500)), result.getpixel((900, 500))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert min(left) > 250
    assert right[0] > 190
    assert right[1] < 10


@pytest.mark.media
def test_a_detailed_scene_keeps_its_size_and_is_below_a_megabyte() -> None:
    scene = Image.merge("RGB", [Image.effect_noise((1920, 1080), 120) for _ in range(3)])
    jpeg = uploaded(png_of(scene))
    assert len(jpeg) < 1_000_000
    assert Image.open(io.BytesIO(jpeg)).size == (1920, 1080)


def test_a_cleaned_selfie_is_sent_as_it_is() -> None:
    file = io.BytesIO()
    Image.new("RGB", (300, 300), "red").save(file, "JPEG")
    assert uploaded(file.getvalue()) == file.getvalue()


def test_bytes_that_are_no_picture_are_refused_by_the_child() -> None:
    with pytest.raises(MediaError):
        uploaded(b"\x89PNG\r\n\x1a\n" + bytes(100))


def test_this_process_loads_no_decoder() -> None:
    check = "import jobs.providers.inputs, sys; assert not {'PIL', 'av'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], cwd=Path(CODE), check=True)
