"""The type of a picture file, by its first bytes: neither its name nor what the sender says of it counts."""

from __future__ import annotations

from typing import Final

# The major and compatible brands that follow `ftyp` in a file of the HEIF family.
AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx"})
MAX_BRANDS_BYTES: Final = 256

# Types that are not accepted, but can be named to the sender.
OTHERS: Final = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF or raw",
    b"MM\0*": "TIFF or raw",
    b"%PDF": "PDF",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
}


def picture_format(start: bytes) -> str | None:
    """Return JPEG, PNG, WEBP, AVIF or HEIF for the first bytes of a file (256 are enough), or None."""
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start.startswith(b"RIFF") and start[8:12] in (b"WEBP", b""):
        return "WEBP"
    return _heif_format(start) if start[4:8] == b"ftyp" else None


def _heif_format(start: bytes) -> str | None:
    brands = start[8 : min(int.from_bytes(start[:4], "big"), MAX_BRANDS_BYTES)]
    found = {brands[at : at + 4] for at in range(0, len(brands), 4)}
    if found & AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if found & HEIC_BRANDS else None


def other_type(start: bytes) -> str | None:
    """Return the name of a known type that is not accepted, or None."""
    if start[4:8] == b"ftyp":
        return "video"
    return next((name for magic, name in OTHERS.items() if start.startswith(magic)), None)
