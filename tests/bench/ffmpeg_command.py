"""The same encoding by the `ffmpeg` command: the filters and x264 options of the child, and what comes out of each."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import av

from jobs.media import video
from jobs.media.encoder import FRAMES_PER_SECOND, default_threads
from jobs.media.framing import framing
from jobs.media.limits import VIDEO_LIMITS, VIDEO_SETTINGS
from jobs.media.probe import pixel_aspect
from jobs.media.source_video import open_video


def ffmpeg_command() -> str | None:
    """Return the path of the `ffmpeg` command, or None where there is none."""
    return shutil.which("ffmpeg")


def encode_with(command: str, source: Path, target: Path, frames: int) -> None:
    """Encode `source` with the child's own filters and settings, on as many threads."""
    reading = ["-loglevel", "error", "-y", "-threads", "1", "-i", str(source), "-an"]
    filtering = ["-filter_threads", "1", "-vf", _filters(source, frames), "-r", str(FRAMES_PER_SECOND)]
    options = {**video._options(VIDEO_SETTINGS), "g": str(VIDEO_SETTINGS.keyframe_every_frames)}
    encoding = [word for name, value in options.items() for word in (f"-{name}:v", value)]
    writing = ["-c:v", "libx264", "-threads", str(default_threads()), *encoding, "-movflags", "+faststart", str(target)]
    subprocess.run([command, *reading, *filtering, *writing], check=True, stdin=subprocess.DEVNULL)


def _filters(source: Path, frames: int) -> str:
    with open_video(source, VIDEO_LIMITS) as opened:
        first = next(opened.pictures())
        filters = framing(first, pixel_aspect(opened.stream), "yuv420p") + video._timing(frames)
    return ",".join(f"{name}={arguments}" if arguments else name for name, arguments in filters)


def pixels_of(path: Path) -> str:
    """Return a digest of the pixels of all pictures of a video."""
    digest = hashlib.sha256()
    with av.open(str(path)) as opened:
        for picture in opened.decode(video=0):
            for plane in picture.planes:
                digest.update(bytes(plane))
    return digest.hexdigest()
