"""Limits on media and child processes, and encoder settings, as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024


# The names of picture formats for people, by Pillow's names for them.
FORMAT_NAMES = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP", "HEIF": "HEIC", "AVIF": "AVIF"}


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """Limits on accepted pictures. `formats` are Pillow's names; `max_aspect_ratio` is longer side ÷ shorter side.

    A small file can keep a decoder busy for long: a JPEG that refines its picture in a thousand scans, a PNG that is
    cut into a million chunks. Encoders write about ten scans, and chunks of 8 KiB or more.
    """

    formats: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")
    max_bytes: int = 20 * MIB
    max_pixels: int = 70_000_000
    min_side_px: int = 256
    max_aspect_ratio: float = 4.0
    max_scans: int = 50
    max_chunks: int = 20_000


SELFIE_LIMITS = PictureLimits()
OUTPUT_LIMITS = PictureLimits(max_bytes=50 * MIB, max_pixels=40_000_000)


# The widths of the copies that browsers show. None is wider than its picture.
RENDITION_WIDTHS_PX = (320, 640, 1280)


def rendition_path(folder: Path, width_px: int) -> Path:
    """Return where the copy of this width is written."""
    return folder / f"{width_px}.webp"


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Limits on accepted videos. `codecs` are FFmpeg's names; each one left out is a parser that no file can reach."""

    codecs: tuple[str, ...] = ("h264", "hevc", "av1", "vp9", "vp8", "prores", "mjpeg", "mpeg4")
    max_bytes: int = 512 * MIB
    max_pixels: int = 4096 * 2304
    min_side_px: int = 64
    max_packets: int = 20_000
    max_streams: int = 8


VIDEO_LIMITS = VideoLimits()


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """Encoder settings.

    `threads` 0 means one and a half per processor, which is x264's default, but at most 12 because each thread buffers
    frames. `missing_max_s` is how much a source may be too short: its last picture stands in for that long. A second
    is more than the models' own units explain (5.28 seconds for 6); a longer standstill is taken for a stuck video.
    """

    preset: str = "veryfast"
    crf: int = 20
    threads: int = 0
    keyframe_every_frames: int = 60
    max_bits_per_s: int = 20_000_000  # what level 4.0 allows
    missing_max_s: float = 1.0


VIDEO_SETTINGS = VideoSettings()


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Limits on one child process. `memory_bytes` is address space, two to three times the resident memory.

    CPU time depends on the file alone, wall-clock time on the load of the machine too. The CPU limit is therefore
    reached first, even where several children share a processor: the verdict does not depend on what else runs.
    """

    wall_s: float
    cpu_s: int
    memory_bytes: int
    file_bytes: int


PICTURE_CHILD = ChildLimits(wall_s=90, cpu_s=12, memory_bytes=1024 * MIB, file_bytes=64 * MIB)
PROBE_CHILD = ChildLimits(wall_s=90, cpu_s=12, memory_bytes=1024 * MIB, file_bytes=64 * MIB)
VIDEO_CHILD = ChildLimits(wall_s=300, cpu_s=240, memory_bytes=3072 * MIB, file_bytes=512 * MIB)
