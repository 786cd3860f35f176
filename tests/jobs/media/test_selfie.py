"""A cleaned selfie is only pixels: upright, sRGB, opaque, small enough, and without metadata."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from jobs.media import (
    SELFIE_LIMITS,
    Damaged,
    MediaError,
    PictureLimits,
    TooLarge,
    Unreadable,
    WrongShape,
    WrongType,
    clean_selfie,
    images,
)
from tests.jobs.media.making import (
    assert_color,
    corners_of,
    four_corners,
    jpeg_segments,
    png_that_claims,
)

GPS_POSITION = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
ONLY_PICTURE_SEGMENTS = {0xE0, 0xDB, 0xC0, 0xC4}


def cleaned(tmp_path: Path, picture: Image.Image, name: str = "in.png", **save: Any) -> Image.Image:
    """Save a picture, clean it in this process (a child a picture would take longer), and return the result."""
    source, target = tmp_path / name, tmp_path / "out.jpg"
    picture.save(source, **save)
    facts = images.clean_selfie(source, target, SELFIE_LIMITS)
    result = Image.open(target)
    assert (facts.width_px, facts.height_px) == result.size
    return result


def test_facts_are_those_of_the_written_file(tmp_path: Path) -> None:
    four_corners((600, 400)).save(tmp_path / "in.png")
    facts = clean_selfie(tmp_path / "in.png", tmp_path / "out.jpg")
    written = (tmp_path / "out.jpg").read_bytes()
    assert facts.content_type == "image/jpeg"
    assert facts.size_bytes == len(written)
    assert facts.sha256 == hashlib.sha256(written).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.jpg"]


@pytest.mark.parametrize("name", ["in.jpg", "in.png", "in.webp", "in.heic", "in.avif"])
def test_accepted_types_keep_their_picture(tmp_path: Path, name: str) -> None:
    result = cleaned(tmp_path, four_corners((600, 400)), name)
    assert result.format == "JPEG"
    assert result.size == (600, 400)
    assert corners_of(result) == "rgbw"


def test_nothing_but_pixels_survives(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRETMAKER"
    exif.get_ifd(0x8825).update(GPS_POSITION)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    cleaned(
        tmp_path,
        four_corners((600, 400)),
        "in.jpg",
        exif=exif,
        comment=b"SECRETCOMMENT",
        xmp=b"<x:xmpmeta>SECRETXMP</x:xmpmeta>",
        icc_profile=profile,
    )
    before, after = (tmp_path / "in.jpg").read_bytes(), (tmp_path / "out.jpg").read_bytes()
    assert {0xFE, 0xE1, 0xE2} <= set(jpeg_segments(before))
    assert before.count(b"SECRET") == 3
    assert set(jpeg_segments(after)) <= ONLY_PICTURE_SEGMENTS
    assert b"SECRET" not in after


def test_png_text_does_not_survive(tmp_path: Path) -> None:
    from PIL import PngImagePlugin

    text = PngImagePlugin.PngInfo()
    text.add_itxt("Comment", "SECRETCOMMENT")
    cleaned(tmp_path, four_corners((600, 400)), pnginfo=text)
    assert set(jpeg_segments((tmp_path / "out.jpg").read_bytes())) <= ONLY_PICTURE_SEGMENTS


@pytest.mark.parametrize(
    ("orientation", "corners"),
    [(1, "rgbw"), (2, "grwb"), (3, "wbgr"), (4, "bwrg"), (5, "rbgw"), (6, "brwg"), (7, "wgbr"), (8, "gwrb")],
)
def test_every_exif_orientation_is_turned_upright(tmp_path: Path, orientation: int, corners: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    result = cleaned(tmp_path, four_corners((600, 400)), "in.jpg", exif=exif)
    assert corners_of(result) == corners
    assert result.size == ((600, 400) if orientation < 5 else (400, 600))


@pytest.mark.parametrize(("size", "expected"), [((3072, 2048), (1536, 1024)), ((1000, 4000), (384, 1536))])
def test_long_side_is_at_most_1536(tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert cleaned(tmp_path, Image.new("RGB", size, "gray")).size == expected


def test_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    assert cleaned(tmp_path, Image.new("RGB", (300, 256), "gray")).size == (300, 256)


def test_palette_picture_is_made_smaller_too(tmp_path: Path) -> None:
    assert cleaned(tmp_path, four_corners((3000, 2000)).convert("P")).size == (1536, 1024)


def test_transparency_becomes_white(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (400, 400), (200, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 200, 400))
    result = cleaned(tmp_path, picture)
    assert_color(result, (100, 200), (255, 255, 255))
    assert_color(result, (300, 200), (200, 0, 0))


def test_transparent_palette_color_becomes_white(tmp_path: Path) -> None:
    picture = Image.new("P", (400, 400), 0)
    picture.putpalette([10, 20, 30, 200, 0, 0])
    picture.paste(1, (200, 0, 400, 400))
    result = cleaned(tmp_path, picture, transparency=0)
    assert_color(result, (100, 200), (255, 255, 255))
    assert_color(result, (300, 200), (200, 0, 0))


def test_sixteen_bit_gray_keeps_its_brightness(tmp_path: Path) -> None:
    result = cleaned(tmp_path, Image.new("I;16", (300, 300), 0x8000))
    assert_color(result, (150, 150), (128, 128, 128))


def test_cmyk_is_converted(tmp_path: Path) -> None:
    result = cleaned(tmp_path, four_corners((400, 400)).convert("CMYK"), "in.jpg", quality=95)
    assert result.mode == "RGB"
    assert corners_of(result) == "rgbw"


def swapped_profile() -> bytes:
    """Return an sRGB profile in which red and blue have changed places."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tags = struct.unpack(">I", profile[128:132])[0]
    table, body = profile[132 : 132 + 12 * tags], profile[132 + 12 * tags :]
    table = table.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    return profile[:132] + table + body


def test_color_profile_is_applied(tmp_path: Path) -> None:
    picture = Image.new("RGB", (300, 300), (250, 0, 0))
    result = cleaned(tmp_path, picture, icc_profile=swapped_profile())
    assert_color(result, (150, 150), (0, 0, 250))


def test_broken_color_profile_is_ignored(tmp_path: Path) -> None:
    picture = Image.new("RGB", (300, 300), (250, 0, 0))
    assert_color(cleaned(tmp_path, picture, icc_profile=b"not a profile" * 20), (150, 150), (250, 0, 0))


def test_picture_of_several_pictures_gives_its_first(tmp_path: Path) -> None:
    """Phones write such files: JPEGs with a depth map or a brightness map behind the photograph."""
    second = Image.new("RGB", (600, 400), "black")
    cleaned(tmp_path, four_corners((600, 400)), "in.mpo", save_all=True, append_images=[second])
    assert corners_of(Image.open(tmp_path / "out.jpg")) == "rgbw"


def assert_refused(error: type[MediaError], source: Path, limits: PictureLimits = PictureLimits()) -> MediaError:  # noqa: B008
    """Assert that a file is refused in words fit for its sender, and that nothing is left behind."""
    target = source.parent / "out.jpg"
    with pytest.raises(error) as caught:
        clean_selfie(source, target, limits=limits)
    assert type(caught.value) is error
    assert str(source.parent) not in caught.value.reason
    assert [path.name for path in source.parent.iterdir()] == [source.name]
    return caught.value


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 8000), (70_001, 1000)])
def test_too_many_pixels_are_refused_from_the_header(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "bomb.png").write_bytes(png_that_claims(*size))
    assert "at most 70 million pixels" in assert_refused(TooLarge, tmp_path / "bomb.png").reason


def test_too_many_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(bytes(2000))
    assert_refused(TooLarge, tmp_path / "big.png", PictureLimits(max_bytes=1999))


@pytest.mark.parametrize("size", [(255, 300), (300, 255), (1300, 300)])
def test_small_and_narrow_pictures_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size).save(tmp_path / "in.png")
    assert "shorter side" in assert_refused(WrongShape, tmp_path / "in.png").reason


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_picture_types_are_refused_whatever_their_name(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (300, 300)).save(tmp_path / "in.jpg", kind)
    reason = assert_refused(WrongType, tmp_path / "in.jpg").reason
    assert kind in reason
    assert "JPEG, PNG, WebP, HEIC, AVIF" in reason


def test_accepted_types_are_data(tmp_path: Path) -> None:
    Image.new("RGB", (300, 300)).save(tmp_path / "in.png")
    assert_refused(WrongType, tmp_path / "in.png", PictureLimits(formats=("JPEG",)))


def test_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.jpg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert_refused(WrongType, tmp_path / "in.jpg")


def test_empty_file_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "in.jpg").touch()
    assert_refused(Unreadable, tmp_path / "in.jpg")


@pytest.mark.parametrize("name", ["in.jpg", "in.png", "in.webp"])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.99])
def test_cut_off_picture_is_refused(tmp_path: Path, name: str, share: float) -> None:
    source = tmp_path / name
    Image.effect_noise((600, 400), 50).convert("RGB").save(source)
    data = source.read_bytes()
    source.write_bytes(data[: max(20, int(len(data) * share))])
    with pytest.raises((Damaged, Unreadable)):
        clean_selfie(source, tmp_path / "out.jpg")
    assert not (tmp_path / "out.jpg").exists()


def test_picture_that_ends_early_is_called_damaged(tmp_path: Path) -> None:
    Image.effect_noise((600, 400), 50).convert("RGB").save(tmp_path / "in.jpg")
    data = (tmp_path / "in.jpg").read_bytes()
    (tmp_path / "in.jpg").write_bytes(data[: len(data) // 2])
    assert_refused(Damaged, tmp_path / "in.jpg")


def test_missing_source_is_not_the_medias_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        clean_selfie(tmp_path / "absent.jpg", tmp_path / "out.jpg")


def test_cleaning_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    four_corners((600, 400)).save(tmp_path / "in.png")
    first = clean_selfie(tmp_path / "in.png", tmp_path / "out.jpg")
    assert clean_selfie(tmp_path / "in.png", tmp_path / "out.jpg") == first
