"""Normalises one file after the other, each in a child that confines itself as a media child does, and judges it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NoReturn

import av

from jobs.media import VIDEO_CHILD, VideoLimits, VideoSettings, child
from jobs.media.errors import ERRORS, NOT_PROCESSED
from jobs.media.facts import VideoFacts, from_reply
from jobs.media.operations import video_options
from tests.jobs.media.promise import QUICK, assert_promise
from tests.jobs.media.sources import REFUSALS

# A clip of a second takes a hundredth of what a child may take; more would be an attack that works.
LIMITS: Final = replace(VIDEO_CHILD, cpu_s=20, wall_s=600)
SETTINGS: Final[VideoSettings] = replace(QUICK, crf=51, threads=1, missing_max_s=0.5)
SECONDS: Final = 1
MAY_BE_OPENED: Final = frozenset({"in", "out.mp4", "out.sound"})
REFUSED: Final = frozenset(refusal.error.__name__ for refusal in REFUSALS)


class Fault(Exception):
    """A file broke a rule."""


@dataclass(frozen=True)
class Ended:
    """A child that has ended: its exit code, its last message, and the time and the memory that it took."""

    exit_code: int
    message: Mapping[str, Any]
    words: str
    cpu_s: float
    memory_bytes: int


def normalised(folder: Path) -> Ended:
    """Normalise the file `in` of a folder to `out.mp4`, in a child forked from this process."""
    request = {
        "operation": "normalise_video",
        "source": str(folder / "in"),
        "target": str(folder / "out.mp4"),
        "options": video_options(SECONDS, SETTINGS, VideoLimits()),
        "limits": asdict(LIMITS),
        "parent_pid": os.getpid(),
    }
    with Path(folder.parent, "said").open("w+b") as said, Path(folder.parent, "words").open("w+b") as words:
        Path(folder.parent, "request").write_text(json.dumps(request))
        pid = os.fork()
        if pid == 0:
            _be_the_child(folder.parent / "request", said.fileno(), words.fileno())
        exit_code, usage = _wait(pid)
        said.seek(0)
        words.seek(0)
        lines = said.read().splitlines() or [b"{}"]
        spoken = words.read().decode(errors="replace")
    return Ended(exit_code, json.loads(lines[-1]), spoken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _be_the_child(request: Path, said: int, words: int) -> NoReturn:
    """Do what the child's program does. It never returns: this is a copy of the process that runs the fuzz."""
    try:
        os.dup2(said, 1)
        os.dup2(words, 2)
        sys.stdin = request.open()
        child.main()
    except BaseException as error:  # noqa: BLE001 Nothing may return from here.
        os.write(2, repr(error).encode())
    os._exit(1)


def _wait(pid: int) -> tuple[int, Any]:
    with selectors.DefaultSelector() as selector:
        selector.register(ends := os.pidfd_open(pid), selectors.EVENT_READ)
        if not selector.select(LIMITS.wall_s):
            os.kill(pid, signal.SIGKILL)
        os.close(ends)
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage


def judged(ended: Ended, folder: Path) -> str:
    """Return what became of a file; raise `Fault` unless it is usable in everything, or refused as the page lists."""
    if ended.memory_bytes > LIMITS.memory_bytes:
        raise Fault(f"{ended.memory_bytes} bytes of memory")
    if ended.exit_code == -signal.SIGXCPU:
        return "MediaTimeout"
    if ended.exit_code != 0:
        raise Fault(f"the child ended with {ended.exit_code}: {ended.words[-2000:]}")
    match ended.message:
        case {"result": dict(result)}:
            return _kept(folder, result)
        case {"error": str(name), "reason": str(reason), "detail": detail} if name in ERRORS and name in REFUSED:
            return _refused(folder, name, reason, detail)
        case {"interrupted": child.OUT_OF_MEMORY}:
            return "MediaInterrupted"
    raise Fault(f"the child said {ended.message}")


def _kept(folder: Path, result: dict[str, object]) -> str:
    facts, target = from_reply(VideoFacts, result), folder / "out.mp4"
    assert_promise(target, facts, SECONDS, has_sound=_has_sound(target))
    return "copied" if facts.remuxed else "encoded"


def _has_sound(target: Path) -> bool:
    with av.open(str(target)) as written:
        return len(written.streams.audio) > 0


def _refused(folder: Path, name: str, reason: str, detail: str | None) -> str:
    if str(folder) in reason:
        raise Fault(f"the reason names our path: {reason}")
    if reason == NOT_PROCESSED:
        raise Fault(f"a surprise: {detail}")
    return name
