"""The kinds of source videos, each with what comes out: the tests make each, and a page lists them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from jobs.media import (
    Blank,
    Damaged,
    MediaError,
    MediaInterrupted,
    MediaTimeout,
    TooLarge,
    Unreadable,
    Unrelated,
    WrongShape,
    WrongType,
)
from storage import ObjectAltered, ObjectMissing, StorageError
from tests.jobs.media.making import CONFORMING, Video, break_sound

QUICK_HEVC = (("preset", "ultrafast"), ("x265-params", "log-level=none"))
QUICK_VPX = (("deadline", "realtime"), ("cpu-used", "8"))


@dataclass(frozen=True)
class Source:
    """A source of two seconds, in words, and what becomes of its pictures.

    `is_copied` is whether they are kept, and `has_sound` whether sound comes out. Of a source that is
    `sound_broken_from` a packet on, no later packet of the sound decodes.
    """

    name: str
    video: Video
    becomes: str = "encoded"
    is_copied: bool = False
    has_sound: bool = False
    sound_broken_from: int | None = None

    def write(self, path: Path) -> Path:
        """Make it, and return `path`."""
        self.video.write(path)
        return path if self.sound_broken_from is None else break_sound(path, self.sound_broken_from)


H264 = Video(seconds=2)
VP8 = Video(seconds=2, codec="libvpx", container="webm", options=QUICK_VPX)
VP9 = replace(VP8, codec="libvpx-vp9")
PRORES = Video(seconds=2, codec="prores_ks", container="mov", pixel_format="yuv422p10le", options=())
MJPEG = Video(seconds=2, codec="mjpeg", container="mov", pixel_format="yuvj420p", options=())
COMBED = Video(size=(1280, 720), seconds=2, combed=True, options=(("preset", "superfast"), ("x264-params", "tff=1")))
UNFLAGGED = replace(COMBED, options=(("preset", "superfast"),))
HDR = replace(
    H264, codec="libx265", options=QUICK_HEVC, pixel_format="yuv420p10le", matrix=9, tag=9, curve=16, seconds=2
)
ONE_KEYFRAME = replace(CONFORMING, seconds=2.5, options=(*CONFORMING.options, ("g", "250"), ("sc_threshold", "0")))

WITH_AAC = replace(CONFORMING, seconds=2, sound=True, sound_volume=1)
WITH_LOUD = replace(H264, sound=True, sound_volume=1)
WITH_OPUS = replace(VP9, sound=True, sound_volume=1, sound_codec="libopus")
# A stutter: no two gaps in a row are alike.
UNEVEN_MS = tuple(at + late for at in range(0, 2000, 80) for late in (0, 15))
WITH_PCM = replace(PRORES, sound=True, sound_volume=1, sound_codec="pcm_s16le")

SOURCES = (
    Source("MP4, H.264", H264),
    Source("MP4, H.264, exactly as promised", replace(CONFORMING, seconds=2), "copied", is_copied=True),
    Source("MP4, HEVC", replace(H264, codec="libx265", options=QUICK_HEVC)),
    Source("MP4, VP9", replace(VP9, container="mp4")),
    Source("MP4, HEVC, 10 bits", replace(H264, codec="libx265", options=QUICK_HEVC, pixel_format="yuv420p10le")),
    Source("MP4, AV1", replace(H264, codec="libsvtav1", options=(("preset", "12"),))),
    Source("MP4, MPEG-4", replace(H264, codec="mpeg4", options=())),
    Source("MOV, H.264", replace(H264, container="mov")),
    Source("MOV, HEVC", replace(H264, codec="libx265", options=QUICK_HEVC, container="mov")),
    Source("MOV, ProRes", PRORES),
    Source("MOV, ProRes 4444 with alpha", replace(PRORES, pixel_format="yuva444p10le"), "encoded, without its alpha"),
    Source("MOV, MJPEG", MJPEG),
    Source("WebM, VP8", VP8),
    Source("WebM, VP9", VP9),
    Source("WebM, AV1", replace(H264, codec="libsvtav1", options=(("preset", "12"),), container="webm")),
    Source("Matroska, H.264", replace(CONFORMING, seconds=2, container="matroska")),
    Source("Matroska, HEVC", replace(H264, codec="libx265", options=QUICK_HEVC, container="matroska")),
    Source("AVI, H.264 with B-frames", replace(H264, container="avi", options=(("preset", "superfast"), ("bf", "3")))),
    Source("AVI, MPEG-4", replace(H264, codec="mpeg4", options=(), container="avi")),
    Source("AVI, MJPEG", replace(MJPEG, container="avi")),
    Source("any, 24 pictures a second", replace(H264, rate=24)),
    Source("any, 29.97 pictures a second", replace(H264, rate=Fraction(30000, 1001))),
    Source("any, 60 pictures a second", replace(H264, rate=60)),
    Source("any, at a variable rate", replace(H264, times_ms=UNEVEN_MS)),
    Source("any, upright, or of any shape but 16:9", replace(H264, size=(180, 320)), "cropped or padded, encoded"),
    Source("any, turned by a flag", replace(H264, rotation=90), "turned, padded, encoded"),
    Source(
        "any, with pixels that are not square", replace(H264, pixel_aspect=Fraction(4, 3)), "cropped or padded, encoded"
    ),
    Source("any, interlaced", COMBED, "deinterlaced, encoded"),
    Source("any, interlaced, though its flags say otherwise", UNFLAGGED, "deinterlaced, encoded"),
    Source("any, HDR10 (PQ)", HDR, "brightness and colors mapped to BT.709, encoded"),
    Source("any, HLG", replace(HDR, curve=18), "brightness and colors mapped to BT.709, encoded"),
    Source("MP4, H.264, as promised, but keyframes more than two seconds apart", ONE_KEYFRAME),
    Source("any, with a silent track", replace(VP9, container="matroska", sound=True), "encoded, without sound"),
    Source("any, with a track that does not decode", WITH_LOUD, "encoded, without sound", sound_broken_from=0),
    Source("MP4, H.264, exactly as promised, with AAC", WITH_AAC, "copied, with sound", True, True),
    Source("WebM, VP9, with Opus", WITH_OPUS, "encoded, with sound", has_sound=True),
    Source("MOV, ProRes, with PCM", WITH_PCM, "encoded, with sound", has_sound=True),
    Source("any, with longer sound", replace(WITH_OPUS, sound_seconds=9), "encoded, its sound cut off", has_sound=True),
    Source(
        "any, with shorter sound",
        replace(WITH_OPUS, sound_seconds=0.7),
        "encoded, silence after its sound",
        has_sound=True,
    ),
    Source("any, up to a second too short", replace(VP9, seconds=1.28), "encoded, its last picture repeated"),
    Source("any, too long", replace(VP8, seconds=5), "encoded, its end cut off"),
)

MADE_AGAIN = "made again"
TRIED_AGAIN = "waited for"


@dataclass(frozen=True)
class Refusal:
    """Something that the child or the step reports about an output instead of a result, and the reaction for it."""

    what: str
    error: type[Exception]
    reaction: str = MADE_AGAIN


REFUSALS = (
    Refusal("the file is empty, or its header is broken", Unreadable),
    Refusal("it is of no listed container or encoding, or has no video in it", WrongType),
    Refusal("it is cut off, does not decode to the end, changes its size midway, or has no times", Damaged),
    Refusal("it is too short by more than a second", Damaged),
    Refusal("it is black, or shows the same picture, from beginning to end", Blank),
    Refusal("it does not begin with the scene that it was made from", Unrelated),
    Refusal("a side is smaller than 64 pixels", WrongShape),
    Refusal("it has more bytes, pixels, pictures or streams than allowed", TooLarge),
    Refusal("it takes more CPU time than allowed", MediaTimeout),
    Refusal("anything else that is found to be wrong with the file", MediaError),
    Refusal("our own copy of it is gone", ObjectMissing),
    Refusal("our own copy of it is not what was stored", ObjectAltered),
    Refusal("the child was killed, ran out of memory, or the machine was too busy", MediaInterrupted, TRIED_AGAIN),
    Refusal("the object store cannot be reached", StorageError, TRIED_AGAIN),
)
