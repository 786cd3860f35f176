"""Runs one media operation in a child process, so that no file can hurt the process that serves everyone.

Each operation gets a fresh interpreter, which starts in about 50 ms with nothing in its memory or environment that is
worth stealing. Whatever becomes of the child, the parent raises a `MediaError` (it answered what is wrong with the
file, or nonsense) or `MediaInterrupted` (a crash, a kill, no memory, no end) and goes on. Several threads may call this
at the same time.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

from jobs.media.errors import ERRORS, MediaError, MediaInterrupted, MediaTimeout
from jobs.media.limits import ChildLimits

CHILD: Final = (sys.executable, "-P", "-s", "-X", "faulthandler", "-m", "jobs.media.child")

# The folder that holds the `jobs` package: the child finds its code there and nowhere else.
CODE: Final = Path(__file__).resolve().parents[2]
KEPT_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")

MAX_ANSWER_BYTES: Final = 256 * 1024
LOGGED_BYTES: Final = 2000
LAST_WORDS_S: Final = 5.0

NOT_PROCESSED: Final = "The file could not be processed."
TOOK_TOO_LONG: Final = "Processing the file took too long."
NOT_IN_TIME: Final = "the child did not end in time"

OnProgress = Callable[[float], None]
Message = dict[str, Any]


def run_isolated(
    operation: str,
    source: Path,
    target: Path,
    options: Mapping[str, object],
    *,
    limits: ChildLimits,
    on_progress: OnProgress | None = None,
    command: Sequence[str] = CHILD,
) -> dict[str, object]:
    """Run `operation` in a child and return its answer; raise a `MediaError` for whatever is wrong with the file.

    `options` must be fit for JSON. `on_progress` is called in this thread with a share from 0 to 1 about every half
    second; when it raises, the child is killed and the exception goes on to the caller. Raises `MediaInterrupted` when
    the child ended without an answer, and `OSError` when the machine failed and not the file (the disk is full). The
    child never outlives the call.
    """
    deadline_s = time.monotonic() + limits.wall_s
    request = {
        "operation": operation,
        "source": str(source.absolute()),
        "target": str(target.absolute()),
        "options": dict(options),
        "limits": asdict(limits),
        "parent_pid": os.getpid(),
    }
    with tempfile.TemporaryFile() as log:
        process = _start(command, log)
        try:
            _send(process, request)
            answer = _listen(process, deadline_s, on_progress)
            return _conclude(answer, _exit_code(process, deadline_s), log)
        finally:
            _end(process)


def _start(command: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=tempfile.gettempdir(),
        env=_environment(),
        start_new_session=True,
        bufsize=0,
    )


def _environment() -> dict[str, str]:
    """Return what the child may know: no token, no database address."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    # Without the second line every thread of the encoder reserves address space of its own, 64 MiB at a time.
    return {**kept, "PYTHONPATH": str(CODE), "MALLOC_ARENA_MAX": "2"}


def _send(process: subprocess.Popen[bytes], request: Message) -> None:
    assert process.stdin is not None
    # A child that is dead already says so by its exit code.
    with suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(json.dumps(request).encode())


def _listen(process: subprocess.Popen[bytes], deadline_s: float, on_progress: OnProgress | None) -> Message | None:
    """Return the last message that is not progress, or None when the child ends without one."""
    assert process.stdout is not None
    answer = None
    for line in _lines(process.stdout, deadline_s):
        message = _parse(line)
        if "progress" not in message:
            answer = message
            continue
        share = _share(message["progress"])
        if on_progress is not None:
            on_progress(share)
    return answer


def _lines(pipe: IO[bytes], deadline_s: float) -> Iterator[bytes]:
    """Yield whole lines until the pipe closes; raise `MediaInterrupted` at the deadline, `MediaError` for a flood."""
    pending, received = b"", 0
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline_s - time.monotonic())):
            piece = os.read(pipe.fileno(), 65536)
            received += len(piece)
            if received > MAX_ANSWER_BYTES:
                raise MediaError(NOT_PROCESSED, f"the child answered more than {MAX_ANSWER_BYTES} bytes")
            if not piece:
                return
            *lines, pending = (pending + piece).split(b"\n")
            yield from lines
    raise MediaInterrupted(NOT_IN_TIME)


def _parse(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except ValueError as error:
        raise MediaError(NOT_PROCESSED, f"the child answered {line[:80]!r}") from error
    if not isinstance(message, dict):
        raise MediaError(NOT_PROCESSED, f"the child answered {line[:80]!r}")
    return message


def _share(value: object) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise MediaError(NOT_PROCESSED, f"the child reported the progress {value!r:.80}")
    return float(value)


def _exit_code(process: subprocess.Popen[bytes], deadline_s: float) -> int:
    try:
        return process.wait(max(0.1, deadline_s - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise MediaInterrupted(NOT_IN_TIME) from error


def _conclude(answer: Message | None, exit_code: int, log: IO[bytes]) -> dict[str, object]:
    """LeaderLock what the child said, and how it ended, into a result or an exception."""
    if exit_code == -signal.SIGXCPU:
        raise MediaTimeout(TOOK_TOO_LONG, "the processor time is used up")
    if exit_code != 0 or answer is None:
        raise MediaInterrupted(f"the child ended with {exit_code}: {_tail(log)}")
    match answer:
        case {"result": dict(result)}:
            return result
        case {"error": str(name), "reason": str(reason), "detail": detail} if name in ERRORS:
            raise ERRORS[name](reason, None if detail is None else str(detail))
        case {"interrupted": str(why)}:
            raise MediaInterrupted(why)
        case {"os_error": int(number)}:
            raise OSError(number, os.strerror(number))
    raise MediaError(NOT_PROCESSED, f"the child answered {answer!r:.80}")


def _tail(log: IO[bytes]) -> str:
    """Return the end of what the child wrote to standard error."""
    size_bytes = log.seek(0, os.SEEK_END)
    log.seek(max(0, size_bytes - LOGGED_BYTES))
    return log.read().decode(errors="replace").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the child and its group unless it has ended, wait for it, and close the pipes."""
    if process.poll() is None:
        # Not yet waited for, so its number cannot have passed to another process.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(LAST_WORDS_S)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
