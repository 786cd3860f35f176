"""Clean mutated pictures one after the other, as a media child does.

`python -m tests.jobs.media.picture_fuzz JPEG 1 500` cleans 500 JPEGs.

Each file must be cleaned completely or refused with a `MediaError`; its number stands on standard error before it is
read, so that the last one names the file that crashed a decoder. The limits are those of a child, over all files.
"""

from __future__ import annotations

import os
import random
import sys
import time
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image
from pillow_heif import register_heif_opener

from jobs.media import SELFIE_LIMITS, MediaError
from jobs.media.confinement import confine
from jobs.media.images import clean_selfie
from jobs.media.limits import PICTURE_CHILD
from tests.jobs.media.hostile import png_chunk, png_with, saved

EXTREMES: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
LONGEST_S: Final = PICTURE_CHILD.cpu_s


def originals() -> dict[str, list[bytes]]:
    """Return sound pictures of every accepted type, and of the modes that are decoded differently, by type."""
    register_heif_opener()
    noise = Image.merge("RGB", [Image.effect_noise((300, 280), 60) for _ in range(3)])
    clear = noise.copy()
    clear.putalpha(Image.effect_noise((300, 280), 60))
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "JPEG": [
            saved(noise, "JPEG", exif=exif, quality=60),
            saved(noise, "JPEG", progressive=True),
            saved(noise.convert("CMYK"), "JPEG"),
        ],
        "PNG": [
            saved(noise.convert("P"), "PNG", transparency=0),
            saved(Image.new("I;16", (300, 280), 0x8000), "PNG"),
            png_with([png_chunk(b"eXIf", b"MM\0*" + bytes(30)), png_chunk(b"tEXt", b"a\0b")], clear),
        ],
        "WEBP": [saved(clear, "WEBP", exif=exif), saved(noise, "WEBP", lossless=True)],
        "HEIF": [saved(clear, "HEIF", exif=exif.tobytes()), saved(noise, "HEIF", chroma=444)],
        "AVIF": [saved(noise, "AVIF", exif=exif), saved(clear, "AVIF")],
    }


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return the file with one to three changes, some of them near its beginning, where the structure is."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(min(len(changed), chance.choice((200, 1000, len(changed), len(changed)))))
        match chance.randrange(5):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                width = chance.choice((1, 2, 4))
                value = chance.choice(EXTREMES) & (256**width - 1)
                changed[at : at + width] = value.to_bytes(width, chance.choice(("big", "little")))
            case 2:
                del changed[at : at + chance.randint(1, 40)]
            case 3:
                changed[at:at] = changed[at : at + chance.randint(1, 200)]
            case 4:
                del changed[max(at, 16) :]
        if not changed:
            return b"\0"
    return _with_checksums(bytes(changed)) if chance.random() < 0.8 else bytes(changed)


def _with_checksums(data: bytes) -> bytes:
    """Return a PNG with the checksums of its chunks set right, so that more than these is tested."""
    if not data.startswith(b"\x89PNG"):
        return data
    chunks, at = [data[:8]], 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks.append(png_chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return b"".join(chunks)


def outcome_of(source: Path, target: Path) -> str:
    """Clean one file and check the result; return what became of it. Anything but a `MediaError` propagates."""
    try:
        facts = clean_selfie(source, target, SELFIE_LIMITS)
    except MediaError as error:
        return type(error).__name__
    except MemoryError:
        return "MemoryError"
    with Image.open(target, formats=["JPEG"]) as result:
        result.load()
        assert result.size == (facts.width_px, facts.height_px)
        assert max(result.size) <= 1536
    assert facts.size_bytes == target.stat().st_size < 1_000_000
    return "cleaned"


def main(kind: str, seed: int, count: int) -> None:
    """Clean `count` files, and print how many were cleaned or refused, and the longest CPU time of one in seconds."""
    warnings.simplefilter("ignore")
    files, outcomes, longest_s = originals()[kind], Counter[str](), 0.0
    confine(replace(PICTURE_CHILD, cpu_s=PICTURE_CHILD.cpu_s + count), os.getppid())
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "in", Path(folder) / "out.jpg"
        for number in range(seed, seed + count):
            source.write_bytes(mutated(files[number % len(files)], random.Random(number)))
            sys.stderr.write(f"{number}\n")
            began_s = time.process_time()
            outcomes[outcome_of(source, target)] += 1
            longest_s = max(longest_s, time.process_time() - began_s)
    assert longest_s < LONGEST_S
    assert {"cleaned", "Damaged"} <= set(outcomes)
    sys.stdout.write(f"{kind}: {dict(outcomes)} {longest_s:.2f} s\n")


if __name__ == "__main__":
    main(sys.argv[1], *(int(given) for given in sys.argv[2:]))
