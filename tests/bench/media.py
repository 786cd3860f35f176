"""Measures videos in CPU seconds: each way through the transcode step, and the parts of one story.

Also alone: `python -m tests.bench.media`. All figures are of synthetic, moving test pictures.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.table import Table

from jobs.media import (
    normalise_avatar,
    normalise_scene,
    normalise_video,
    probe_video,
    video,
)
from jobs.media.bars import measure_layout
from jobs.media.encoder import FRAMES_PER_SECOND
from jobs.media.limits import VIDEO_CHILD, VIDEO_LIMITS, VIDEO_SETTINGS
from jobs.media.one_pass import Beside, OnePass
from jobs.media.source_video import open_video
from tests.bench.ffmpeg_command import encode_with, ffmpeg_command, pixels_of
from tests.jobs.media.making import CONFORMING, Video, first_picture

SECONDS: Final = 6
FRAMES: Final = SECONDS * FRAMES_PER_SECOND
MODEL_VIDEO: Final = Video(size=(1280, 720), rate=25, seconds=SECONDS, options=(("preset", "veryfast"), ("crf", "23")))
ENCODING: Final = "video: encode (x264), write"
# Small, since only the length matters: what is encoded has the full size.
LONG_VIDEO: Final = Video(size=(320, 180), rate=30)
# Ten minutes must stay below what a child may write.
LEAST_WORK: Final = replace(VIDEO_SETTINGS, preset="ultrafast", crf=45)


@dataclass(frozen=True)
class CommandFigure:
    """The CPU seconds of one encoding by the child's code and by the `ffmpeg` command, and whether the pixels agree."""

    own_s: float
    ffmpeg_s: float
    same_pixels: bool


@dataclass(frozen=True)
class MediaFigure:
    """CPU seconds, of all threads and of the children that were started, by what they were spent on.

    `ways` are whole videos, `parts` those of one story. The parts inside the encoder's child are measured without its
    start. `peaks_mib` is the resident memory of the child by the seconds of the video.
    `command` is None where there is no `ffmpeg`.
    """

    ways: dict[str, float]
    parts: dict[str, float]
    peaks_mib: dict[int, float]
    command: CommandFigure | None

    @property
    def story_s(self) -> float:
        """Return the CPU seconds of a whole story."""
        return sum(self.parts.values())


def measure_media(*, long_s: int) -> MediaFigure:
    """Measure everything once; the longer of the two videos whose memory is compared has `long_s` seconds."""
    with TemporaryDirectory(prefix="diorama-bench-") as name:
        folder = Path(name)
        source = MODEL_VIDEO.write(folder / "model.mp4")
        ways = _ways(source, folder)
        peaks = {seconds: _peak_mib(seconds) for seconds in (10, long_s)}
        return MediaFigure(ways, _parts(source, folder), peaks, _beside_ffmpeg(source, folder))


def _ways(source: Path, folder: Path) -> dict[str, float]:
    # Keyframes as often as promised: with fewer, it would be encoded.
    exact = replace(CONFORMING, seconds=SECONDS, options=(*CONFORMING.options, ("g", "60"))).write(folder / "exact.mp4")
    return {
        "encoded": _cpu_s(lambda: normalise_video(source, folder / "encoded.mp4", seconds=SECONDS)),
        "encoded, as large as the copied one": _cpu_s(lambda: _encode(exact, folder / "again.mp4")),
        "copied, every picture decoded": _cpu_s(lambda: normalise_video(exact, folder / "copy.mp4", seconds=SECONDS)),
        "copied, nothing decoded": _cpu_s(lambda: video._copy(exact, folder / "bare.mp4", "bt709", VIDEO_LIMITS, {})),
    }


def _beside_ffmpeg(source: Path, folder: Path) -> CommandFigure | None:
    command = ffmpeg_command()
    if command is None:
        return None
    own, theirs = folder / "own.mp4", folder / "ffmpeg.mp4"
    ffmpeg_s = _cpu_s(lambda: encode_with(command, source, theirs, FRAMES))
    own_s = _cpu_s(lambda: _encode(source, own))
    return CommandFigure(own_s, ffmpeg_s, pixels_of(own) == pixels_of(theirs))


def _parts(source: Path, folder: Path) -> dict[str, float]:
    decoded_s = _cpu_s(lambda: _decode(source))
    framed_s = _cpu_s(lambda: _frame(source))
    encoded_s = _cpu_s(lambda: _encode(source, folder / "parts.mp4"))
    looked_s, poster, copies = _see(source, Beside()), folder / "poster.webp", folder / "of-poster"
    still_s = _see(source, Beside(poster=poster))
    return {
        "video: decode": decoded_s,
        "video: crop, scale, rate": framed_s - decoded_s,
        ENCODING: encoded_s - framed_s - looked_s,
        "video: look for black and still pictures": looked_s,
        "video: measure the result, start of the child": _cpu_s(lambda: probe_video(folder / "parts.mp4")),
        "video: poster": still_s - looked_s,
        "video: copies of the poster": _see(source, Beside(poster=poster, renditions=copies)) - still_s,
        "video: preview": _see(source, Beside(preview=folder / "preview.mp4")) - looked_s,
        **_pictures(source, folder),
    }


def _pictures(source: Path, folder: Path) -> dict[str, float]:
    picture, avatar, scene = folder / "picture.png", folder / "avatar.png", folder / "scene.png"
    first_picture(source).resize((1536, 1024)).save(picture)
    avatar_s = _cpu_s(lambda: normalise_avatar(picture, avatar))
    scene_s = _cpu_s(lambda: normalise_scene(picture, scene))
    with_copies_s = _cpu_s(lambda: normalise_avatar(picture, avatar, renditions=folder / "of-avatar"))
    with_copies_s += _cpu_s(lambda: normalise_scene(picture, scene, renditions=folder / "of-scene"))
    return {
        "avatar, start of its child": avatar_s,
        "scene, start of its child": scene_s,
        "copies of avatar and scene": with_copies_s - avatar_s - scene_s,
    }


def _decode(source: Path) -> int:
    with open_video(source, VIDEO_LIMITS) as opened:
        return sum(1 for _ in opened.pictures())


def _frame(source: Path) -> int:
    with open_video(source, VIDEO_LIMITS) as opened:
        return sum(1 for _ in video._framed(opened, FRAMES))


def _see(source: Path, beside: Beside) -> float:
    """Return the CPU seconds of the pass over the framed pictures, without the framing: none of it runs beside it."""
    seen = OnePass(beside)
    with open_video(source, VIDEO_LIMITS) as opened:
        spent_s = sum(_cpu_s(partial(seen.add, picture)) for picture in video._framed(opened, FRAMES))
    spent_s += _cpu_s(seen.poster)
    return spent_s + _cpu_s(lambda: seen.preview(None, SECONDS, VIDEO_LIMITS))


def _encode(source: Path, target: Path) -> None:
    seen = OnePass(Beside(), layout=measure_layout(source, VIDEO_LIMITS))
    video._encode(source, target, seen, FRAMES, VIDEO_SETTINGS, VIDEO_LIMITS, lambda _share: None)


def _cpu_s(work: Callable[[], object]) -> float:
    began_s = _spent_s()
    work()
    return _spent_s() - began_s


def _spent_s() -> float:
    """Return the CPU seconds of this process and of the children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_mib(seconds: int) -> float:
    """Encode a video of this length below a process of its own, because the system keeps one peak for all children."""
    command = [sys.executable, "-m", "tests.bench.media", "--only-peak", str(seconds)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _print_peak(seconds: int) -> None:
    child = replace(VIDEO_CHILD, wall_s=3600, cpu_s=3600)
    with TemporaryDirectory(prefix="diorama-bench-") as folder:
        source = replace(LONG_VIDEO, seconds=seconds).write(Path(folder) / "long.mp4")
        normalise_video(source, Path(folder) / "out.mp4", seconds=seconds, settings=LEAST_WORK, child=child)
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.1f}\n")


def media_tables(figure: MediaFigure) -> list[Table]:
    """Return the figures as tables."""
    encoded_s = figure.ways["encoded, as large as the copied one"]
    ways = {name: (f"{cpu_s:.2f}", f"1/{encoded_s / cpu_s:.1f}") for name, cpu_s in figure.ways.items()}
    parts = {name: (f"{cpu_s:.2f}", f"{cpu_s / figure.story_s:.0%}") for name, cpu_s in figure.parts.items()}
    parts["together"] = (f"{figure.story_s:.2f}", f"{3600 / figure.story_s:,.0f} stories an hour and core")
    beyond_s = figure.story_s - figure.parts[ENCODING]
    parts["together, without encoding"] = (f"{beyond_s:.2f}", f"{beyond_s / figure.story_s:.0%}")
    peaks = {f"{seconds} s": (f"{mib:.0f}", "") for seconds, mib in figure.peaks_mib.items()}
    return [
        _table("encoding, beside the `ffmpeg` command with the same settings", ("CPU s", ""), _beside(figure.command)),
        _table(f"a video of {SECONDS} s", ("CPU s", "of encoding 1920×1080"), ways),
        _table(f"a story with a video of {SECONDS} s", ("CPU s", "share"), parts),
        _table("peak memory of the child, by the video's length", ("MiB", ""), peaks),
    ]


def _beside(command: CommandFigure | None) -> dict[str, tuple[str, str]]:
    if command is None:
        return {"there is no `ffmpeg` command here": ("", "")}
    pixels = "the same pixels" if command.same_pixels else "OTHER PIXELS"
    return {
        "ffmpeg": (f"{command.ffmpeg_s:.2f}", ""),
        "the child's code": (f"{command.own_s:.2f}", f"{command.own_s / command.ffmpeg_s:.2f} of it, {pixels}"),
    }


def _table(title: str, headings: tuple[str, str], rows: dict[str, tuple[str, str]]) -> Table:
    table = Table(title=title)
    table.add_column("what")
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def main() -> None:
    """Measure only media."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", type=int, default=600, help="seconds of the long video")
    parser.add_argument("--only-peak", type=int, help="encode a video of so many seconds, and print the peak memory")
    given = parser.parse_args()
    if given.only_peak:
        return _print_peak(given.only_peak)
    for table in media_tables(measure_media(long_s=given.long)):
        Console().print(table)
    return None


if __name__ == "__main__":
    main()
