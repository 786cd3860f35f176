"""Limits on media and child processes, and encoder settings, as data."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """Limits on accepted pictures. `formats` are Pillow's names; `max_aspect_ratio` is longer side ÷ shorter side.

    HEIC is not accepted because no dependency decodes it.
    """

    formats: tuple[str, ...] = ("JPEG", "PNG", "WEBP")
    max_bytes: int = 25 * MIB
    max_pixels: int = 40_000_000
    min_side_px: int = 256
    max_aspect_ratio: float = 4.0


SELFIE_LIMITS = PictureLimits()
OUTPUT_LIMITS = PictureLimits(max_bytes=50 * MIB)


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

    CPU time depends on the file alone, wall-clock time on the load of the machine too. Where one thread does the work,
    the CPU limit is therefore reached first.
    """

    wall_s: float
    cpu_s: int
    memory_bytes: int
    file_bytes: int


PICTURE_CHILD = ChildLimits(wall_s=20, cpu_s=15, memory_bytes=1024 * MIB, file_bytes=64 * MIB)
PROBE_CHILD = ChildLimits(wall_s=20, cpu_s=15, memory_bytes=1024 * MIB, file_bytes=64 * MIB)
VIDEO_CHILD = ChildLimits(wall_s=300, cpu_s=1200, memory_bytes=3072 * MIB, file_bytes=512 * MIB)
