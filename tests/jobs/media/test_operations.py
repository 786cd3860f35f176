"""Operations return whole results or none, check the replies of their children, and run many at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from math import isqrt
from pathlib import Path

import pytest
from PIL import Image

from jobs.media import (
    SELFIE_LIMITS,
    ChildLimits,
    MediaError,
    MediaInterrupted,
    MediaTimeout,
    VideoLimits,
    clean_selfie,
    normalise_video,
)
from jobs.media.facts import ImageFacts, from_reply
from jobs.media.isolation import CODE
from jobs.media.limits import MIB, PICTURE_CHILD
from tests.jobs.media.making import Video, four_corners


def test_canceled_transcode_leaves_nothing_behind(tmp_path: Path) -> None:
    source = Video().write(tmp_path / "in.mp4")

    def cancel(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        normalise_video(source, tmp_path / "out.mp4", seconds=1, on_progress=cancel)
    assert list(tmp_path.iterdir()) == [source]


def test_many_threads_can_work_at_once(tmp_path: Path) -> None:
    four_corners((600, 400)).save(tmp_path / "in.png")
    done: list[ImageFacts] = []

    def clean(number: int) -> None:
        done.append(clean_selfie(tmp_path / "in.png", tmp_path / f"{number}.jpg"))

    threads = [threading.Thread(target=clean, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 8
    assert len(set(done)) == 1


@pytest.mark.media
def test_largest_accepted_picture_fits_into_the_childs_memory(tmp_path: Path) -> None:
    """A palette with transparency is the worst: it cannot be made smaller before it has four bytes a pixel."""
    side_px = isqrt(SELFIE_LIMITS.max_pixels)
    Image.new("P", (side_px, side_px)).save(tmp_path / "in.png", compress_level=1, transparency=0)
    assert clean_selfie(tmp_path / "in.png", tmp_path / "out.jpg").width_px == 1536
    assert PICTURE_CHILD.memory_bytes <= 1024 * MIB


def test_file_that_differs_from_the_reply_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.media import operations

    four_corners((600, 400)).save(tmp_path / "in.png")
    reply = {"content_type": "image/jpeg", "width_px": 1, "height_px": 1, "size_bytes": 9, "sha256": ""}
    monkeypatch.setattr(operations, "run_isolated", lambda *_args, **_options: reply)
    with pytest.raises(MediaError):
        clean_selfie(tmp_path / "in.png", tmp_path / "out.jpg")


def test_half_written_result_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.media import operations

    def write_and_fail(_operation: str, _source: Path, target: Path, *_args: object, **_options: object) -> None:
        target.write_bytes(b"half")
        raise MediaTimeout("x")

    four_corners((600, 400)).save(tmp_path / "in.png")
    (tmp_path / "out.jpg").write_bytes(b"of an earlier attempt")
    monkeypatch.setattr(operations, "run_isolated", write_and_fail)
    with pytest.raises(MediaTimeout):
        clean_selfie(tmp_path / "in.png", tmp_path / "out.jpg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.jpg"]
    assert (tmp_path / "out.jpg").read_bytes() == b"of an earlier attempt"


@pytest.mark.parametrize(
    "change", [{"width_px": "1"}, {"width_px": 1.0}, {"width_px": None}, {"size_bytes": True}, {"more": 1}]
)
def test_replies_are_checked_field_by_field(change: dict[str, object]) -> None:
    good = {"content_type": "image/jpeg", "width_px": 1, "height_px": 1, "size_bytes": 9, "sha256": ""}
    assert from_reply(ImageFacts, good).size_bytes == 9
    with pytest.raises(ValueError):
        from_reply(ImageFacts, good | change)
    with pytest.raises(ValueError):
        from_reply(ImageFacts, {"width_px": 1})


def test_parent_loads_neither_pillow_nor_ffmpeg() -> None:
    check = "import jobs.media, sys; assert not {'PIL', 'av', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], cwd=CODE, check=True)


def test_video_limits_reach_the_child(tmp_path: Path) -> None:
    source = Video().write(tmp_path / "in.mp4")
    tiny = ChildLimits(wall_s=0.05, cpu_s=10, memory_bytes=2048 * MIB, file_bytes=64 * MIB)
    with pytest.raises(MediaInterrupted):
        normalise_video(source, tmp_path / "out.mp4", seconds=1, child=tiny, limits=VideoLimits())
