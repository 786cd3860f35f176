"""Run one media operation in a child process, so that no file can harm the process that serves everyone.

Each operation gets a fresh interpreter, which starts in about 50 ms with no secrets in its memory or environment.
Whatever happens to the child, the parent survives: it raises a `MediaError` (the child reported a problem with the file
or returned nonsense) or `MediaInterrupted` (the child crashed, was killed, ran out of memory or did not end). Several
threads may call this at the same time.
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

from jobs.media.errors import ERRORS, NOT_PROCESSED, MediaError, MediaInterrupted, MediaTimeout
from jobs.media.limits import ChildLimits

CHILD: Final = (sys.executable, "-P", "-s", "-X", "faulthandler", "-m", "jobs.media.child")

# The folder that contains the `jobs` package: the only place from which the child imports code.
CODE: Final = Path(__file__).resolve().parents[2]
KEPT_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")

MAX_RESPONSE_BYTES: Final = 256 * 1024
LOGGED_BYTES: Final = 2000
LAST_WORDS_S: Final = 5.0
# A caller that cannot wait for the child is asked at least this often.
TICK_S: Final = 0.5

TOOK_TOO_LONG: Final = "Processing the file took too long. Save it again in an ordinary form, such as a baseline JPEG."
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
    """Run `operation` in a child and return its result; raise a `MediaError` for a problem with the file.

    `options` must be serializable as JSON. `on_progress` is called in this thread with a share from 0 to 1 about every
    half second, with the last one again if the child is silent; if it raises, the child is killed and the exception
    propagates. Raises `MediaInterrupted` when the
    child ends without a response, and `OSError` when the machine fails rather than the file (the disk is full). The
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
            response = _listen(process, deadline_s, on_progress)
            return _conclude(response, _exit_code(process, deadline_s), log)
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
    """Return the child's environment, without tokens or the database address."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    # Without MALLOC_ARENA_MAX every encoder thread reserves its own address space, 64 MiB at a time.
    return {**kept, "PYTHONPATH": str(CODE), "MALLOC_ARENA_MAX": "2"}


def _send(process: subprocess.Popen[bytes], request: Message) -> None:
    assert process.stdin is not None
    # If the child is already dead, its exit code says so.
    with suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(json.dumps(request).encode())


def _listen(process: subprocess.Popen[bytes], deadline_s: float, on_progress: OnProgress | None) -> Message | None:
    """Return the last message that is not progress, or None when the child ends without one."""
    assert process.stdout is not None
    response, share = None, 0.0
    for line in _lines(process.stdout, deadline_s):
        message = {"progress": share} if line is None else _parse(line)
        if "progress" not in message:
            response = message
            continue
        share = _share(message["progress"])
        if on_progress is not None:
            on_progress(share)
    return response


def _lines(pipe: IO[bytes], deadline_s: float) -> Iterator[bytes | None]:
    """Yield whole lines until the pipe closes, and None after each tick without anything.

    Raises `MediaInterrupted` at the deadline and `MediaError` for a flood.
    """
    pending, received = b"", 0
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left_s := deadline_s - time.monotonic()) > 0:
            if not selector.select(min(TICK_S, left_s)):
                yield None
                continue
            piece = os.read(pipe.fileno(), 65536)
            received += len(piece)
            if received > MAX_RESPONSE_BYTES:
                raise MediaError(NOT_PROCESSED, f"the child returned more than {MAX_RESPONSE_BYTES} bytes")
            if not piece:
                return
            *lines, pending = (pending + piece).split(b"\n")
            yield from lines
    raise MediaInterrupted(NOT_IN_TIME)


def _parse(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except ValueError as error:
        raise MediaError(NOT_PROCESSED, f"the child returned {line[:80]!r}") from error
    if not isinstance(message, dict):
        raise MediaError(NOT_PROCESSED, f"the child returned {line[:80]!r}")
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


def _conclude(response: Message | None, exit_code: int, log: IO[bytes]) -> dict[str, object]:
    """Convert the child's response and exit code into a result or an exception."""
    if exit_code == -signal.SIGXCPU:
        raise MediaTimeout(TOOK_TOO_LONG, "the CPU time is used up")
    if exit_code != 0 or response is None:
        raise MediaInterrupted(f"the child ended with {exit_code}: {_tail(log)}")
    match response:
        case {"result": dict(result)}:
            return result
        case {"error": str(name), "reason": str(reason), "detail": detail} if name in ERRORS:
            raise ERRORS[name](reason, None if detail is None else str(detail))
        case {"interrupted": str(why)}:
            raise MediaInterrupted(why)
        case {"os_error": int(number)}:
            raise OSError(number, os.strerror(number))
    raise MediaError(NOT_PROCESSED, f"the child returned {response!r:.80}")


def _tail(log: IO[bytes]) -> str:
    """Return the end of what the child wrote to standard error."""
    size_bytes = log.seek(0, os.SEEK_END)
    log.seek(max(0, size_bytes - LOGGED_BYTES))
    return log.read().decode(errors="replace").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the child and its group unless it has ended, wait for it, and close the pipes."""
    if process.poll() is None:
        # The child has not been reaped, so its process id cannot have been reused.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(LAST_WORDS_S)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
