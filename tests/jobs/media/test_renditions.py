"""Renditions are smaller copies of a picture, as WebP: of few widths, never enlarged, with the picture's own marks."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from jobs.media import (
    OUTPUT_LIMITS,
    PictureFacts,
    clean_selfie,
    images,
    make_renditions,
    normalise_avatar,
    normalise_scene,
    renditions,
)
from jobs.media.provenance import DIGITAL_SOURCE_TYPE
from tests.jobs.media.making import assert_color, assert_round, disc, four_corners


def widths_of(tmp_path: Path, size: tuple[int, int], name: str = "in.png") -> list[int]:
    """Save a picture, make its renditions in this process, and return their widths."""
    four_corners(size).save(tmp_path / name)
    made = renditions.make_renditions(tmp_path / name, tmp_path / "made", True, OUTPUT_LIMITS).made
    for facts in made:
        written = Image.open(tmp_path / "made" / f"{facts.width_px}.webp")
        assert (written.format, written.size) == ("WEBP", (facts.width_px, facts.height_px))
        assert facts.size_bytes == (tmp_path / "made" / f"{facts.width_px}.webp").stat().st_size
    return [facts.width_px for facts in made]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), [320, 640, 1280, 1920]),
        ((1024, 1024), [320, 640, 1024]),
        ((640, 480), [320, 640]),
        ((300, 400), [300]),
    ],
)
def test_no_rendition_is_wider_than_its_picture(tmp_path: Path, size: tuple[int, int], expected: list[int]) -> None:
    assert widths_of(tmp_path, size) == expected


def test_a_webp_is_its_own_rendition_of_full_size(tmp_path: Path) -> None:
    assert widths_of(tmp_path, (1920, 1080), "in.webp") == [320, 640, 1280]


def test_renditions_are_made_in_a_child_and_never_stretched(tmp_path: Path) -> None:
    disc((1920, 1080), 900).save(tmp_path / "in.png")
    made = make_renditions(tmp_path / "in.png", tmp_path / "made", is_generated=True)
    assert [facts.height_px for facts in made.values()] == [180, 360, 720, 1080]
    for path, facts in made.items():
        assert_round(Image.open(path).convert("RGB"), 900 * facts.width_px / 1920)


def test_transparency_stays(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (1024, 1024), (0, 0, 0, 0))
    picture.paste((200, 40, 40, 255), (0, 0, 1024, 512))
    picture.save(tmp_path / "in.png")
    for path in make_renditions(tmp_path / "in.png", tmp_path / "made", is_generated=True):
        copy = Image.open(path)
        assert copy.mode == "RGBA"
        assert copy.getchannel("A").getextrema() == (0, 255)


@pytest.mark.parametrize("normalise", [normalise_avatar, normalise_scene])
def test_a_picture_is_copied_in_its_own_child_from_the_same_pixels(
    tmp_path: Path, normalise: Callable[..., PictureFacts]
) -> None:
    four_corners((1500, 900)).save(tmp_path / "in.png")
    facts = normalise(tmp_path / "in.png", tmp_path / "out.png", renditions=tmp_path / "beside")
    made = make_renditions(tmp_path / "out.png", tmp_path / "again", is_generated=True)
    assert facts.renditions == tuple(made.values())
    for path in made:
        assert (tmp_path / "beside" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("error", [MemoryError(), ValueError("size"), OSError("encoder error -2")])
def test_a_copy_that_fails_does_not_cost_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    _failing_copies(monkeypatch, error)
    four_corners((300, 300)).save(tmp_path / "in.png")
    facts = images.normalise_avatar(tmp_path / "in.png", tmp_path / "out.png", OUTPUT_LIMITS, tmp_path / "beside")
    assert (facts.renditions, facts.renditions_failed) == ((), type(error).__name__)
    assert facts.size_bytes == (tmp_path / "out.png").stat().st_size


def test_a_full_disk_is_no_reason_to_leave_copies_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step is repeated instead, which costs nothing."""
    _failing_copies(monkeypatch, OSError(errno.ENOSPC, "full"))
    four_corners((300, 300)).save(tmp_path / "in.png")
    with pytest.raises(OSError, match="full"):
        images.normalise_avatar(tmp_path / "in.png", tmp_path / "out.png", OUTPUT_LIMITS, tmp_path / "beside")


def _failing_copies(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(renditions, "save_webp", fail)


@pytest.mark.parametrize("is_generated", [True, False])
def test_only_what_a_model_made_is_marked_so(tmp_path: Path, is_generated: bool) -> None:
    four_corners((640, 480)).save(tmp_path / "in.png")
    for path in make_renditions(tmp_path / "in.png", tmp_path / "made", is_generated=is_generated):
        assert (DIGITAL_SOURCE_TYPE.encode() in path.read_bytes()) == is_generated


def test_a_heic_can_be_shown_by_browsers(tmp_path: Path) -> None:
    four_corners((600, 400)).save(tmp_path / "in.heic")
    clean_selfie(tmp_path / "in.heic", tmp_path / "clean.jpg")
    small, full = make_renditions(tmp_path / "clean.jpg", tmp_path / "made", is_generated=False)
    assert (Image.open(small).size, Image.open(full).size) == ((320, 213), (600, 400))
    assert not Image.open(full).getexif()
    assert_color(Image.open(full).convert("RGB"), (10, 10), four_corners((600, 400)).getpixel((10, 10)))  # type: ignore[arg-type]
