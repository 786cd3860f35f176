"""Media work that takes no time, for tests of the parts around it."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from jobs.media import ImageFacts, PictureFacts, VideoFacts


def plain_avatar(source: Path, target: Path, *, renditions: Path, **_: Any) -> PictureFacts:
    """Copy the file instead of making an avatar and one smaller copy; the media work has its own tests."""
    renditions.mkdir()
    smaller = replace(_copied(source, renditions / "320.webp"), width_px=320)
    return PictureFacts(**asdict(_copied(source, target)), renditions=(smaller,))


def _copied(source: Path, target: Path) -> ImageFacts:
    content = source.read_bytes()
    target.write_bytes(content)
    return ImageFacts("image/png", 1024, 1024, len(content), "00")


def plain_video(
    source: Path, target: Path, *, seconds: int, poster: Path, renditions: Path, preview: Path, **_: Any
) -> VideoFacts:
    """Copy the file instead of making a video of `seconds` seconds, its poster and its preview."""
    size_bytes = _copied(source, target).size_bytes
    beside = plain_avatar(source, poster, renditions=renditions), _copied(source, preview)
    return VideoFacts("video/mp4", 1920, 1080, 30 * seconds, 30.0, seconds, "h264", size_bytes, False, *beside)


def finished_objects(attempt: int) -> list[str]:
    """Return the names of the objects of an avatar that was finished in this way."""
    return [f"{attempt}/{name}" for name in ("avatar-320.webp", "avatar.png", "source.png")]


def without_media_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the transcode step copy its input."""
    # The function `transcode` hides its module of the same name.
    step = import_module("jobs.steps.transcode")
    for name in ("normalise_avatar", "normalise_scene"):
        monkeypatch.setattr(step, name, plain_avatar)
    monkeypatch.setattr(step, "normalise_video", plain_video)
