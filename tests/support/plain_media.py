"""Media work that takes no time, for tests of the parts around it."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from jobs.media import ImageFacts, VideoFacts


def plain_avatar(source: Path, target: Path) -> ImageFacts:
    """Copy the file instead of making an avatar; the media work has its own tests."""
    content = source.read_bytes()
    target.write_bytes(content)
    return ImageFacts("image/png", 1024, 1024, len(content), "00")


def plain_video(source: Path, target: Path, *, seconds: int, poster: Path, preview: Path, **_: Any) -> VideoFacts:
    """Copy the file instead of making a video of `seconds` seconds, its poster and its preview."""
    content = source.read_bytes()
    target.write_bytes(content)
    beside = plain_avatar(source, poster), plain_avatar(source, preview)
    return VideoFacts("video/mp4", 1920, 1080, 30 * seconds, 30.0, seconds, "h264", len(content), "00", False, *beside)


def plain_renditions(picture: Path, folder: Path, **_: Any) -> dict[Path, ImageFacts]:
    """Copy the file instead of making smaller ones."""
    folder.mkdir()
    return {folder / "320.webp": replace(plain_avatar(picture, folder / "320.webp"), width_px=320)}


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
    monkeypatch.setattr(step, "make_renditions", plain_renditions)
