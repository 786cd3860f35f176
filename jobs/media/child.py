"""The child process: one operation on untrusted media, told in JSON on standard input, answered on standard output.

Answers are lines: any number of `{"progress": 0.42}`, then one of `{"result": {...}}`, `{"error": ..., "reason": ...,
"detail": ...}` for what is wrong with the file, `{"os_error": 28}` for what is wrong with the machine, and
`{"interrupted": ...}` where nothing is known of the file.
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
from jobs.media.errors import MediaError, TooLarge
from jobs.media.facts import ImageFacts, VideoFacts, VideoProbe
from jobs.media.limits import ChildLimits, PictureLimits, VideoLimits, VideoSettings

REPORT_EVERY_S: Final = 0.5

# Failures of the machine, not of the file: the work can be tried again elsewhere or later.
MACHINE_ERRORS: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE, errno.ENFILE}
)

OUT_OF_MEMORY: Final = "the child had no memory left"

Facts = ImageFacts | VideoFacts | VideoProbe


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `options` are the settings of the operation, `report` tells the parent what share is done."""

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
    def video_limits(self) -> VideoLimits:
        """Return the limits on videos."""
        given = self.options["limits"]
        return VideoLimits(**{**given, "codecs": tuple(given["codecs"])})


# The imports are inside, so that a picture does not wait for the video libraries to load, nor a video for Pillow.


def _clean_selfie(call: Call) -> Facts:
    from jobs.media import images

    return images.clean_selfie(call.source, call.target, call.picture_limits)


def _normalise_avatar(call: Call) -> Facts:
    from jobs.media import images

    return images.normalise_avatar(call.source, call.target, call.picture_limits)


def _normalise_scene(call: Call) -> Facts:
    from jobs.media import images

    return images.normalise_scene(call.source, call.target, call.picture_limits)


def _normalise_video(call: Call) -> Facts:
    from jobs.media import video

    settings = VideoSettings(**call.options["settings"])
    return video.normalise_video(
        call.source, call.target, call.options["seconds"], settings, call.video_limits, call.report
    )


def _make_poster(call: Call) -> Facts:
    from jobs.media import poster

    return poster.make_poster(call.source, call.target, call.video_limits)


def _probe_video(call: Call) -> Facts:
    from jobs.media import probe

    return probe.probe_video(call.source, call.video_limits)


OPERATIONS: dict[str, Callable[[Call], Facts]] = {
    "clean_selfie": _clean_selfie,
    "normalise_avatar": _normalise_avatar,
    "normalise_scene": _normalise_scene,
    "normalise_video": _normalise_video,
    "make_poster": _make_poster,
    "probe_video": _probe_video,
}


def main() -> None:
    """Read one request, obey it, answer, and end without a clean-up that hostile bytes could have prepared."""
    # Who stops a whole group of processes tells the parent, too, and that lets what is begun come to its end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = _own_standard_output()
    request = json.load(sys.stdin)
    confine(ChildLimits(**request["limits"]), request["parent_pid"])
    _say(answers, _answer(request, answers))
    os._exit(0)


def _own_standard_output() -> BinaryIO:
    """Keep the pipe to the parent for answers alone: what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return answers


def _say(answers: BinaryIO, message: dict[str, object]) -> None:
    answers.write(json.dumps(message).encode() + b"\n")


def _answer(request: dict[str, Any], answers: BinaryIO) -> dict[str, object]:
    call = Call(Path(request["source"]), Path(request["target"]), request["options"], _reporter(answers))
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
    return MediaError("The file could not be processed.", repr(error))


def _failure(error: MediaError) -> dict[str, object]:
    return {"error": type(error).__name__, "reason": error.reason, "detail": error.detail}


def _reporter(answers: BinaryIO) -> Callable[[float], None]:
    """Return a function that passes on the first share it is told, and then one every half second."""
    next_at_s = time.monotonic()

    def report(share: float) -> None:
        nonlocal next_at_s
        if time.monotonic() >= next_at_s:
            next_at_s = time.monotonic() + REPORT_EVERY_S
            _say(answers, {"progress": round(share, 4)})

    return report


if __name__ == "__main__":
    main()
