"""Makes pictures that their sender should not have sent: bombs, disguises, oddities, and everything about a person.

Each has `SECRET` in whatever is not its pixels. The same number always gives the same file.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Final

from PIL import Image, ImageCms, PngImagePlugin
from pillow_heif import register_heif_opener

from tests.jobs.media.hostile import exif_block, jpeg_of_scans, png_chunk, png_with, saved
from tests.jobs.media.making import png_that_claims
from tests.jobs.media.picture_fuzz import mutated

SECRET: Final = b"SECRET"
_XMP: Final = b"<x:xmpmeta><exif:GPSLatitude>SECRET</exif:GPSLatitude></x:xmpmeta>"
_TYPES: Final = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif")

Maker = Callable[[random.Random], bytes]


def hostile_upload(number: int) -> tuple[str, bytes]:
    """Return a content type, which need not be the file's, and the file."""
    chance = random.Random(number)
    data = MAKERS[number % len(MAKERS)](chance)
    # The first of each kind is as it was made; later ones may be damaged as well.
    if number >= len(MAKERS) and data and chance.random() < 0.3:
        data = mutated(data, chance)
    return chance.choice(_TYPES), data


def _picture(chance: random.Random, mode: str = "RGB") -> Image.Image:
    size = (chance.randint(256, 700), chance.randint(256, 700))
    return Image.merge("RGB", [Image.effect_noise(size, chance.randint(5, 90)) for _ in range(3)]).convert(mode)


def _exif(chance: random.Random) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = SECRET.decode(), chance.randint(0, 9)
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0), 29: "SECRET"})
    return exif


def _profile() -> bytes:
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return plain + SECRET


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def _personal_jpeg(chance: random.Random) -> bytes:
    """Add a thumbnail with a place of its own, IPTC, a comment, XMP and a profile."""
    inner = saved(_picture(chance).resize((64, 64)), "JPEG", exif=_exif(chance), comment=SECRET)
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", 11) + b"\x1c\x02\x05\0\x06SECRET\0"
    whole = saved(
        _picture(chance), "JPEG", exif=_exif(chance), xmp=_XMP, comment=SECRET + inner, icc_profile=_profile()
    )
    return _with_segments(whole, _segment(0xED, iptc), _segment(0xE9, inner), _segment(0xEC, SECRET * 1000))


def _several_jpegs(chance: random.Random) -> bytes:
    others = [_picture(chance) for _ in range(2)]
    return saved(_picture(chance), "MPO", save_all=True, append_images=others) + SECRET


def _zip_jpeg(chance: random.Random) -> bytes:
    file = io.BytesIO(saved(_picture(chance), "JPEG"))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("SECRET.html", "<script>SECRET</script>")
    return file.getvalue()


def _page_jpeg(chance: random.Random) -> bytes:
    page = chance.choice((b"<html><script>SECRET</script>", b"<svg onload='SECRET'/>", b"<?php SECRET ?>"))
    return _with_segments(saved(_picture(chance), "JPEG"), _segment(0xFE, page)) + page


def _many_scans(chance: random.Random) -> bytes:
    return jpeg_of_scans(chance.choice((51, 1000)), (chance.choice((300, 3000)),) * 2)


def _odd_exif(chance: random.Random) -> bytes:
    entries = [(chance.randrange(2**16), chance.randrange(14), chance.choice((1, 2**32 - 1)), b"\0\0\0\x26")] * 50
    return saved(_picture(chance), "JPEG", exif=exif_block(entries) + SECRET)


def _profile_bomb(chance: random.Random) -> bytes:
    parts = [_segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 255]) + SECRET * 10_000) for n in range(1, 200)]
    return _with_segments(saved(_picture(chance), "JPEG"), *parts)


def _cmyk(chance: random.Random) -> bytes:
    return saved(_picture(chance, "CMYK"), "JPEG", exif=_exif(chance), icc_profile=_profile())


def _false_size(chance: random.Random) -> bytes:
    data = bytearray(saved(_picture(chance), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", bytes(4), b"\0\1\xff\xff", b"\x20\0\x20\0"))
    return bytes(data)


def _cut_off(chance: random.Random) -> bytes:
    data = saved(_picture(chance), chance.choice(("JPEG", "PNG", "WEBP", "HEIF", "AVIF")), exif=_exif(chance).tobytes())
    return data[: chance.randrange(len(data))]


def _claims(chance: random.Random) -> bytes:
    sides = (0, 1, 256, 1024, 8192, 65535, 2**31 - 1, 2**32 - 1)
    return png_that_claims(chance.choice(sides), chance.choice(sides))


def _deflated_bomb(chance: random.Random) -> bytes:
    """A picture of one color: the most pixels for the fewest bytes."""
    return saved(Image.new("L", (chance.choice((4000, 8366, 9000)),) * 2), "PNG")


def _many_texts(chance: random.Random) -> bytes:
    return png_with([png_chunk(b"tEXt", b"k\0SECRET") * chance.choice((20_001, 900_000))], _picture(chance))


def _packed_texts(chance: random.Random) -> bytes:
    bomb = zlib.compress(bytes(2**26))
    chunks = (
        png_chunk(b"zTXt", b"SECRET\0\0" + bomb),
        png_chunk(b"iCCP", b"SECRET\0\0" + bomb),
        png_chunk(b"iTXt", b"SECRET\0\1\0\0\0" + bomb),
    )
    return png_with(chance.choices(chunks, k=9), _picture(chance))


def _personal_png(chance: random.Random) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", _XMP.decode())
    text.add_text("Author", "SECRET", zip=chance.random() < 0.5)
    mode = chance.choice(("RGB", "RGBA", "L", "LA", "1", "P"))
    return saved(_picture(chance, mode), "PNG", pnginfo=text, exif=_exif(chance), icc_profile=_profile()) + SECRET


def _animated(kind: str) -> Maker:
    def make(chance: random.Random) -> bytes:
        first = _picture(chance)
        others = [_picture(chance).resize(first.size) for _ in range(chance.choice((1, 5)))]
        return saved(first, kind, save_all=True, append_images=others, duration=100) + SECRET

    return make


def _sixteen_bits(chance: random.Random) -> bytes:
    return saved(Image.new("I;16", (300, 280), chance.randrange(2**16)), "PNG")


def _clear_palette(chance: random.Random) -> bytes:
    return saved(_picture(chance, "P"), "PNG", transparency=bytes(chance.randrange(256) for _ in range(200)))


def _extreme_shape(chance: random.Random) -> bytes:
    size = chance.choice(((16_000, 256), (256, 16_000), (1, 60_000), (1025, 256), (255, 255)))
    return saved(Image.new("RGB", size), chance.choice(("PNG", "JPEG")))


def _personal(kind: str) -> Maker:
    def make(chance: random.Random) -> bytes:
        mode = chance.choice(("RGB", "RGBA"))
        return saved(_picture(chance, mode), kind, exif=_exif(chance).tobytes(), xmp=_XMP, icc_profile=_profile())

    return make


def _false_heif(kind: str) -> Maker:
    """Let the header state another size than the picture has."""

    def make(chance: random.Random) -> bytes:
        data = bytearray(saved(_picture(chance), kind, exif=_exif(chance).tobytes()))
        at = data.index(b"ispe") + 8
        sides = (0, 1, 4096, 8000, 65_535, 2**32 - 1)
        data[at : at + 8] = struct.pack(">II", chance.choice(sides), chance.choice(sides))
        return bytes(data)

    return make


def _false_webp(chance: random.Random) -> bytes:
    data = bytearray(saved(_picture(chance, "RGBA"), "WEBP", exif=_exif(chance)))
    data[24:30] = chance.choice((b"\xff" * 6, bytes(6), b"\xff\x3f\0\xff\x3f\0"))
    return bytes(data)


def _no_picture(chance: random.Random) -> bytes:
    return chance.choice(
        (
            b"\0",
            b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///SECRET'/></svg>",
            b"<html>SECRET",
            b"%PDF-1.7 SECRET",
            b"PK\3\4SECRET",
            b"\x1f\x8b\x08SECRET",
            b"RIFF\0\0\0\0WEBPSECRET",
            b"\xff\xd8\xff\xd9",
            chance.randbytes(2000),
        )
    )


def _other_type(chance: random.Random) -> bytes:
    return saved(_picture(chance), chance.choice(("GIF", "BMP", "TIFF", "JPEG2000", "ICO", "PPM", "TGA")))


MAKERS: Final[tuple[Maker, ...]] = (
    *(_personal_jpeg, _several_jpegs, _zip_jpeg, _page_jpeg, _many_scans, _odd_exif, _profile_bomb, _cmyk),
    *(_false_size, _cut_off, _claims, _deflated_bomb, _many_texts, _packed_texts, _personal_png),
    *(_animated("PNG"), _animated("WEBP"), _animated("GIF"), _animated("AVIF"), _sixteen_bits, _clear_palette),
    *(_extreme_shape, _personal("WEBP"), _personal("HEIF"), _personal("AVIF"), _false_heif("HEIF")),
    *(_false_heif("AVIF"), _false_webp, _no_picture, _other_type),
)

register_heif_opener()
