"""The child process: runs one operation on untrusted media. It reads a JSON request from standard input.

It writes JSON lines to standard output: any number of `{"progress": 0.42}`, then one of `{"result": {...}}`,
`{"error": ..., "reason": ..., "detail": ...}` (a problem with the file), `{"os_error": 28}` (a problem with the
machine) or `{"interrupted": ...}` (the file could not be judged).
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from jobs.media.confinement import confine
from jobs.media.errors import NOT_PROCESSED, MediaError, TooLarge
from jobs.media.facts import ImageFacts, PictureFacts, Renditions, VideoFacts, VideoProbe
from jobs.media.limits import ChildLimits, PictureLimits, VideoLimits, VideoSettings
from jobs.media.provenance import Origin

REPORT_EVERY_S: Final = 0.5
# Encoding takes seconds on every core: pictures, and the worker's own threads, go first.
LONG_WORK_NICENESS: Final = 5

# Failures of the machine, not of the file: the caller can retry elsewhere or later.
MACHINE_ERRORS: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE, errno.ENFILE}
)

OUT_OF_MEMORY: Final = "the child had no memory left"

Facts = ImageFacts | PictureFacts | Renditions | VideoFacts | VideoProbe


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `options` configures the operation; `report` sends progress, from 0 to 1, to the parent."""

    source: Path
    target: Path
    options: dict[str, Any]
    report: Callable[[float], None]

    @property
    def picture_limits(self) -> PictureLimits:
        """Return the limits on pictures; JSON has turned the tuple in them into a list."""
        given = self.options["limits"]
        return PictureLimits(**{**given, "formats": tuple(given["formats"])})

    @property
    def origin(self) -> Origin:
        """Return what the file says of itself."""
        return Origin(**self.options["origin"])

    def path(self, option: str) -> Path | None:
        """Return the path that an option names, or None where it names none."""
        return Path(self.options[option]) if self.options.get(option) else None

    @property
    def video_limits(self) -> VideoLimits:
        """Return the limits on videos."""
        given = self.options["limits"]
        return VideoLimits(**{**given, "codecs": tuple(given["codecs"])})


# Imported lazily, so that a picture does not wait for the video libraries to load.


def _clean_selfie(call: Call) -> Facts:
    from jobs.media import images

    return images.clean_selfie(call.source, call.target, call.picture_limits)


def _make_model_input(call: Call) -> Facts:
    from jobs.media import images

    return images.make_model_input(call.source, call.target, call.picture_limits)


def _normalise_avatar(call: Call) -> Facts:
    from jobs.media import images

    given = call.picture_limits, call.path("renditions"), call.origin
    return images.normalise_avatar(call.source, call.target, *given)


def _normalise_scene(call: Call) -> Facts:
    from jobs.media import images

    given = call.picture_limits, call.path("renditions"), call.origin
    return images.normalise_scene(call.source, call.target, *given)


def _add_label(call: Call) -> Facts:
    from jobs.media import images

    given = call.picture_limits, call.path("renditions"), call.origin
    return images.add_label(call.source, call.target, call.options["text"], *given)


def _normalise_video(call: Call) -> Facts:
    from jobs.media import one_pass, video

    os.nice(LONG_WORK_NICENESS)
    named = call.path("poster"), call.path("renditions"), call.path("preview")
    beside = one_pass.Beside(*named, call.origin)
    settings = VideoSettings(**call.options["settings"])
    return video.normalise_video(
        call.source,
        call.target,
        beside,
        call.options["seconds"],
        settings,
        call.video_limits,
        call.report,
        call.path("scene"),
        call.options["label"],
    )


def _make_renditions(call: Call) -> Facts:
    from jobs.media import renditions

    return renditions.make_renditions(call.source, call.target, call.options["is_generated"], call.picture_limits)


def _probe_video(call: Call) -> Facts:
    from jobs.media import probe

    return probe.probe_video(call.source, call.video_limits)


OPERATIONS: dict[str, Callable[[Call], Facts]] = {
    "clean_selfie": _clean_selfie,
    "make_model_input": _make_model_input,
    "normalise_avatar": _normalise_avatar,
    "normalise_scene": _normalise_scene,
    "add_label": _add_label,
    "normalise_video": _normalise_video,
    "make_renditions": _make_renditions,
    "probe_video": _probe_video,
}


def main() -> None:
    """Handle one request, then exit without running cleanup code that hostile bytes could have tampered with."""
    # A SIGTERM to the whole process group also reaches the parent, which lets work in progress finish.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    messages = _own_standard_output()
    request = json.load(sys.stdin)
    confine(ChildLimits(**request["limits"]), request["parent_pid"])
    _say(messages, _respond(request, messages))
    os._exit(0)


def _own_standard_output() -> BinaryIO:
    """Reserve the pipe to the parent for messages; redirect anything a library prints to standard error."""
    messages = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return messages


def _say(messages: BinaryIO, message: dict[str, object]) -> None:
    messages.write(json.dumps(message).encode() + b"\n")


def _respond(request: dict[str, Any], messages: BinaryIO) -> dict[str, object]:
    call = Call(Path(request["source"]), Path(request["target"]), request["options"], _reporter(messages))
    try:
        return {"result": asdict(OPERATIONS[request["operation"]](call))}
    except MediaError as error:
        return _failure(error)
    except MemoryError:
        return {"interrupted": OUT_OF_MEMORY}
    except OSError as error:
        if error.errno == errno.ENOMEM:
            return {"interrupted": OUT_OF_MEMORY}
        if error.errno in MACHINE_ERRORS:
            return {"os_error": error.errno}
        if error.errno == errno.EFBIG:
            return _failure(TooLarge("The result would be larger than allowed."))
        return _failure(_unexpected(error))
    except Exception as error:  # noqa: BLE001 Hostile bytes raise anything; the parent logs the detail.
        return _failure(_unexpected(error))


def _unexpected(error: Exception) -> MediaError:
    return MediaError(NOT_PROCESSED, repr(error))


def _failure(error: MediaError) -> dict[str, object]:
    return {"error": type(error).__name__, "reason": error.reason, "detail": error.detail}


def _reporter(messages: BinaryIO) -> Callable[[float], None]:
    """Return a function that reports the first progress value, the last (1), and one every half second between."""
    next_at_s = time.monotonic()

    def report(share: float) -> None:
        nonlocal next_at_s
        if time.monotonic() >= next_at_s or share == 1:
            next_at_s = time.monotonic() + REPORT_EVERY_S
            _say(messages, {"progress": round(share, 4)})

    return report


if __name__ == "__main__":
    main()
