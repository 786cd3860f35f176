"""`diorama demo` and `diorama up`: all parts on this machine."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from diorama.demo.generate import check_target, check_theme, generate, picture_type
from diorama.demo.stack import Stack, StackOptions
from diorama.settings import configured_parts, read_settings
from diorama.wiring import build_themes
from jobs.media import VideoProbe, probe_video

PARTS = frozenset({"database", "store", "provider"})
_SAMPLE = Path(__file__).parent / "samples" / "portrait.jpg"


def run_demo(selfie: Path | None, theme: str, target: Path) -> None:
    """Turn a photograph into an avatar, a scene and a video, on parts that are started for it and stopped afterwards.

    Raises BadInput or SettingsError before anything is started, and any error of the parts.
    """
    began = time.monotonic()
    photo = selfie or _SAMPLE
    picture_type(photo)
    check_theme(theme, list(build_themes(read_settings())))
    check_target(target)
    # A terminated demo cleans up like an interrupted one.
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(stderr=True, highlight=False)
    embedded = PARTS - configured_parts()
    _introduce(console, photo, theme, embedded)
    with TemporaryDirectory(prefix="diorama-", ignore_cleanup_errors=True) as directory:
        with Stack(StackOptions(Path(directory), frozenset(embedded))) as stack:
            console.print(f"Ready after {time.monotonic() - began:.1f} s. Generating with {stack.addresses['API']}")
            video = asyncio.run(
                generate(photo, theme, target, api_url=stack.api_url, secret=stack.api_key, console=console)
            )
        console.print(f"Files in {target}: " + ", ".join(sorted(path.name for path in target.iterdir())))
    sys.stdout.write(f"{video} {_described(probe_video(video))} in {time.monotonic() - began:.1f} s\n")


def run_up(port: int, *, directory: Path) -> None:
    """Start all parts, print their addresses, and keep them running until Ctrl-C."""
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(highlight=False)
    embedded = PARTS - configured_parts()
    with Stack(StackOptions(directory, frozenset(embedded), api_port=port)) as stack:
        for name, address in stack.addresses.items():
            # Unwrapped, so that a long address can be copied.
            console.print(f"{name:<20}{address}", soft_wrap=True)
        console.print(f"{'API key':<20}{stack.api_key}", soft_wrap=True)
        console.print(
            "For GraphiQL, open the API's address in a browser. Press Ctrl-C to stop everything.", soft_wrap=True
        )
        signal.pause()


def _introduce(console: Console, photo: Path, theme: str, embedded: frozenset[str] | set[str]) -> None:
    console.print(f"Turning {photo} into an avatar, a scene ({theme}) and a video.")
    if "provider" in embedded:
        console.print(
            "A stand-in for the models draws the pictures, sixty times as fast as the real ones. "
            "To use Replicate, set REPLICATE_API_TOKEN."
        )


def _described(facts: VideoProbe) -> str:
    rate = f"{facts.frames_per_second:g} fps"
    return f"{facts.width_px}x{facts.height_px} {rate} {facts.duration_s:.1f} s {facts.codec}"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
