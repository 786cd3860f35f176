"""The files that are refused as selfies, each with its reason: the tests make each, and a page lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from jobs.media import SELFIE_LIMITS, Damaged, MediaError, TooLarge, Unreadable, WrongShape, WrongType
from jobs.media.errors import NOT_PROCESSED
from jobs.media.isolation import TOOK_TOO_LONG
from jobs.media.limits import MIB, PICTURE_CHILD
from jobs.requesting.uploads import INTERRUPTED_AGAIN, UPLOAD_TYPES
from tests.jobs.media.hostile import jpeg_of_scans, png_chunk, png_with, saved
from tests.jobs.media.making import png_that_claims


@dataclass(frozen=True)
class RefusedUpload:
    """A file in words, how to make it, and the reason that the caller gets."""

    what: str
    make: Callable[[], bytes]
    error: type[MediaError]
    reason: str


def _of_size(width: int, height: int) -> Callable[[], bytes]:
    return lambda: saved(Image.new("RGB", (width, height)), "PNG")


ACCEPTED = "JPEG, PNG, WebP, HEIC, AVIF"
REFUSED_UPLOADS = (
    RefusedUpload("no bytes", lambda: b"", Unreadable, "The file is empty. Upload the whole file again."),
    RefusedUpload(
        "another type of picture",
        lambda: saved(Image.new("RGB", (300, 300)), "GIF"),
        WrongType,
        f"The file is of the type GIF; the accepted types are {ACCEPTED}.",
    ),
    RefusedUpload(
        "a video",
        lambda: b"\0\0\0\x18ftypisom\0\0\x02\0isommp42",
        WrongType,
        f"The file is of the type video; the accepted types are {ACCEPTED}.",
    ),
    RefusedUpload(
        "no picture",
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        WrongType,
        f"The file is not a picture; the accepted types are {ACCEPTED}.",
    ),
    RefusedUpload(
        "a picture without its beginning",
        lambda: b"\x89PNG\r\n\x1a\n" + bytes(100),
        Unreadable,
        "The picture's header is broken. Save the picture again as a JPEG and upload that.",
    ),
    RefusedUpload(
        "a picture without its end",
        lambda: saved(Image.effect_noise((600, 400), 80), "JPEG")[:-1000],
        Damaged,
        "The picture is cut off or damaged. Upload the whole file again, or another picture.",
    ),
    RefusedUpload(
        "too many bytes",
        lambda: bytes(21 * MIB),
        TooLarge,
        "The file has 21.0 MiB; at most 20 MiB are accepted.",
    ),
    RefusedUpload(
        "too many pixels",
        lambda: png_that_claims(10_000, 8000),
        TooLarge,
        "The picture is 10000×8000; at most 70 million pixels are accepted.",
    ),
    RefusedUpload(
        "too few pixels",
        _of_size(255, 300),
        WrongShape,
        "The picture is 255×300; its shorter side must be at least 256 pixels.",
    ),
    RefusedUpload(
        "too long a strip",
        _of_size(1300, 300),
        WrongShape,
        "The picture is 1300×300; its longer side may be at most 4 times its shorter side.",
    ),
    RefusedUpload(
        "a JPEG that refines its picture too often",
        lambda: jpeg_of_scans(60, (300, 300)),
        TooLarge,
        "The JPEG has more than 50 scans. Save it again as an ordinary (baseline) JPEG.",
    ),
    RefusedUpload(
        "a PNG in too many parts",
        lambda: png_with([png_chunk(b"tEXt", b"k\0v") * 20_001], Image.new("RGB", (300, 300))),
        TooLarge,
        "The PNG has more than 20000 chunks. Save the picture again without its texts and extras.",
    ),
)

# Those that no file brings about by itself.
OTHER_REASONS = {
    "more CPU time than allowed": TOOK_TOO_LONG,
    "anything else": NOT_PROCESSED,
    "two checks that ended without a verdict": INTERRUPTED_AGAIN,
}


def refused_uploads_table() -> str:
    """Return what is refused, each with the reason that the caller gets."""
    rows = [f"| {each.what} | {each.reason} |" for each in REFUSED_UPLOADS]
    rows += [f"| {what} | {reason} |" for what, reason in OTHER_REASONS.items()]
    return "\n".join(["| the file has or is | reason |", "| --- | --- |", *rows, ""])


def accepted_uploads_table() -> str:
    """Return what is accepted, by the limits themselves."""
    rows = {
        "types": ACCEPTED,
        "`contentType`": ", ".join(UPLOAD_TYPES),
        "bytes": f"at most {SELFIE_LIMITS.max_bytes // MIB} MiB",
        "pixels": f"at most {SELFIE_LIMITS.max_pixels:,}: a square of 8366, a phone's 8064×6048 and 9248×6936",
        "shorter side": f"at least {SELFIE_LIMITS.min_side_px} pixels",
        "shape": f"the longer side at most {SELFIE_LIMITS.max_aspect_ratio:g} times the shorter one",
        "CPU time of the check": f"at most {PICTURE_CHILD.cpu_s} seconds",
    }
    return "\n".join(["| of a selfie | limit |", "| --- | --- |", *(f"| {k} | {v} |" for k, v in rows.items()), ""])
