"""The structure of a picture is checked before it is decoded: work is bounded, and oddities do no harm."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from PIL import Image

from jobs.media import SELFIE_LIMITS, Damaged, MediaError, TooLarge, images
from jobs.media.jpeg import jpeg_structure
from tests.jobs.media.hostile import exif_block, jpeg_of_scans, png_chunk, png_with, saved
from tests.jobs.media.making import assert_color, corners_of, four_corners
from tests.jobs.media.refused_uploads import REFUSED_UPLOADS, RefusedUpload

ORIENTATION_6 = (0x0112, 3, 1, b"\0\x06\0\0")
PICTURE = four_corners((600, 400))


def cleaned(tmp_path: Path, data: bytes) -> Image.Image:
    """Clean a file in this process, and return the result."""
    (tmp_path / "in").write_bytes(data)
    images.clean_selfie(tmp_path / "in", tmp_path / "out.jpg", SELFIE_LIMITS)
    return Image.open(tmp_path / "out.jpg")


def refusal(error: type[MediaError], tmp_path: Path, data: bytes) -> str:
    """Return the reason for which a file is refused."""
    with pytest.raises(error) as caught:
        cleaned(tmp_path, data)
    return caught.value.reason


def test_a_jpeg_of_a_thousand_scans_is_refused_undecoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg_of_scans(1000)
    monkeypatch.setattr(Image.Image, "load", None)
    assert "more than 50 scans" in refusal(TooLarge, tmp_path, data)


def test_an_ordinary_progressive_jpeg_is_accepted(tmp_path: Path) -> None:
    assert corners_of(cleaned(tmp_path, saved(PICTURE, "JPEG", progressive=True))) == "rgbw"


def test_a_scan_in_an_embedded_thumbnail_does_not_count() -> None:
    inner = saved(Image.new("RGB", (16, 16)), "JPEG")
    structure = jpeg_structure(saved(PICTURE, "JPEG", comment=inner), 50)
    assert (structure.scans, structure.ends) == (1, True)


def test_a_png_of_many_chunks_is_refused(tmp_path: Path) -> None:
    data = png_with([png_chunk(b"tEXt", b"k\0v") * 900_000], Image.new("RGB", (300, 300)))
    assert "more than 20000 chunks" in refusal(TooLarge, tmp_path, data)


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(2 * 2**20))),
        png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(3 * 2**19))),
        png_chunk(b"iCCP", b"icc\0\0" + b"not deflated"),
        png_chunk(b"iCCP", b"icc\0\x07" + zlib.compress(b"unknown compression")),
        png_chunk(b"iCCP", b""),
        png_chunk(b"eXIf", b"MM\0*" + b"\xff" * 40),
        png_chunk(b"eXIf", bytes(300_000)),
        png_chunk(b"tRNS", b"\0"),
        png_chunk(b"tEXt", b"k\0v")[:-4] + b"bad!",
        png_chunk(b"acTL", bytes(8)) + png_chunk(b"fcTL", bytes(26)),
        png_chunk(b"pHYs", b"\0"),
        png_chunk(b"gAMA", b""),
    ],
)
def test_broken_or_huge_extras_of_a_png_are_ignored(tmp_path: Path, chunk: bytes) -> None:
    assert corners_of(cleaned(tmp_path, png_with([chunk], PICTURE))) == "rgbw"


@pytest.mark.parametrize(
    "odd",
    [
        (0x0213, 2, 4, b"one\0"),  # YCbCrPositioning as ASCII
        (0x011A, 10, 1, b"\0\0\0\x26"),  # XResolution -1/0, as SRATIONAL
        (0x02BC, 2, 4, b"<x>\0"),  # XMP as ASCII
        (0x8769, 4, 1, b"\xff\xff\xff\xff"),  # a directory beyond the end
        (0x010F, 99, 1, b"what"),  # an unknown type
    ],
)
def test_odd_exif_tags_are_ignored_and_the_picture_is_turned(tmp_path: Path, odd: tuple[int, int, int, bytes]) -> None:
    tags = sorted([ORIENTATION_6, odd])
    result = cleaned(tmp_path, saved(PICTURE, "JPEG", exif=exif_block(tags)))
    assert (result.size, corners_of(result)) == ((400, 600), "brwg")


def test_an_unreadable_exif_block_counts_for_nothing(tmp_path: Path) -> None:
    assert corners_of(cleaned(tmp_path, saved(PICTURE, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff"))) == "rgbw"


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_that_lacks_only_its_end_marker_is_accepted(tmp_path: Path, progressive: bool, missing: int) -> None:
    data = saved(PICTURE, "JPEG", progressive=progressive)
    assert corners_of(cleaned(tmp_path, data[:-missing])) == "rgbw"


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [12, 500, 5000])
def test_a_jpeg_that_lacks_more_is_damaged(tmp_path: Path, progressive: bool, missing: int) -> None:
    data = saved(Image.effect_noise((600, 400), 80).convert("RGB"), "JPEG", progressive=progressive)
    assert "cut off" in refusal(Damaged, tmp_path, data[:-missing])


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_rotated_heic_and_avif_are_turned_upright_once(tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    result = cleaned(tmp_path, saved(PICTURE, kind, exif=exif.tobytes(), quality=90))
    assert (result.size, corners_of(result)) == ((400, 600), "brwg")


def test_transparent_heic_comes_onto_white(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (400, 400), (200, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 200, 400))
    result = cleaned(tmp_path, saved(picture, "HEIF", quality=95))
    assert_color(result, (100, 200), (255, 255, 255))


@pytest.mark.media
@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7])
def test_cut_off_heic_and_avif_are_refused(tmp_path: Path, kind: str, share: float) -> None:
    data = saved(Image.effect_noise((600, 400), 80).convert("RGB"), kind)
    refusal(MediaError, tmp_path, data[: max(40, int(len(data) * share))])


@pytest.mark.media
def test_the_working_copy_of_pure_noise_is_below_a_megabyte(tmp_path: Path) -> None:
    bands = [Image.effect_noise((1536, 1536), 200) for _ in range(3)]
    cleaned(tmp_path, saved(Image.merge("RGB", bands), "PNG", compress_level=1))
    assert (tmp_path / "out.jpg").stat().st_size < 1_000_000


@pytest.mark.media
@pytest.mark.parametrize("kind", ["JPEG", "HEIF"])
def test_a_phones_48_megapixels_are_accepted(tmp_path: Path, kind: str) -> None:
    result = cleaned(tmp_path, saved(four_corners((8064, 6048)), kind))
    assert (result.size, corners_of(result)) == ((1536, 1152), "rgbw")


@pytest.mark.parametrize("refused", REFUSED_UPLOADS, ids=lambda each: each.what)
def test_every_refusal_of_the_page_has_its_reason(tmp_path: Path, refused: RefusedUpload) -> None:
    assert refusal(refused.error, tmp_path, refused.make()) == refused.reason
