"""The sound clips that mutations start from: a second of each accepted encoding in each container that it comes in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.jobs.media.making import CONFORMING, Video
from tests.jobs.media.sources import QUICK_HEVC, QUICK_VPX
from tests.jobs.media.video_fuzz.trees import Avi, Dialect, Matroska, Mp4

SIZE_PX: Final = (128, 72)
H264: Final = Video(size=SIZE_PX, rate=10, movflags=None, options=(("preset", "superfast"), ("bf", "2")))
HEVC: Final = replace(H264, codec="libx265", options=QUICK_HEVC)
AV1: Final = replace(H264, codec="libsvtav1", options=(("preset", "12"),))
MPEG4: Final = replace(H264, codec="mpeg4", options=())
MJPEG: Final = replace(H264, codec="mjpeg", pixel_format="yuvj420p", options=())
PRORES: Final = replace(H264, codec="prores_ks", pixel_format="yuv422p10le", options=())
VP9: Final = replace(H264, codec="libvpx-vp9", options=QUICK_VPX)
VP8: Final = replace(VP9, codec="libvpx")
FRAGMENTED: Final = "frag_every_frame+empty_moov+default_base_moof"


def _heard(video: Video, codec: str) -> Video:
    return replace(video, sound=True, sound_volume=1, sound_codec=codec)


def _in(container: str, *videos: Video) -> tuple[Video, ...]:
    return tuple(replace(video, container=container) for video in videos)


ORIGINALS: Final = {
    "mp4": (
        _heard(H264, "aac"),
        replace(H264, movflags=FRAGMENTED),
        replace(CONFORMING, sound=True, sound_volume=1),
        replace(HEVC, pixel_format="yuv420p10le"),
        AV1,
        _heard(MPEG4, "mp3"),
        _heard(VP9, "flac"),
        replace(H264, rotation=90, movflags="+faststart"),
    ),
    "mov": _in("mov", _heard(PRORES, "pcm_s16le"), MJPEG, H264, replace(PRORES, pixel_format="yuva444p10le"), HEVC),
    "webm": _in("webm", _heard(VP9, "libopus"), VP8, AV1),
    "matroska": _in("matroska", _heard(H264, "aac"), HEVC, _heard(MPEG4, "flac"), MJPEG, PRORES),
    "avi": _in("avi", H264, _heard(MPEG4, "mp3"), _heard(MJPEG, "pcm_s16le")),
}
DIALECTS: Final[dict[str, Dialect]] = {
    "mp4": Mp4(),
    "mov": Mp4(),
    "webm": Matroska(),
    "matroska": Matroska(),
    "avi": Avi(),
}


def originals(container: str, folder: Path) -> list[bytes]:
    """Return the clips of a container, made in `folder`."""
    return [video.write(folder / "original").read_bytes() for video in ORIGINALS[container]]
