"""`diorama worker`: one worker process, or a supervisor over several."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from db.connection import connect_worker, normalised_url
from diorama.announce import announce
from diorama.doctor.drift import log_drift_aside
from diorama.heartbeat import Heartbeat
from diorama.settings import Settings
from diorama.tuning import Tuning
from diorama.wiring import build_periodic_tasks, build_runtime, build_webhooks, database_settings
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.steps.runtime import Runtime
from jobs.worker.process import Engines, WorkerProcess

log = structlog.get_logger(__name__)

# Connections beside those of the threads: claims, recording, hints, renewals, periodic tasks, webhooks.
_EXTRA_CONNECTIONS = 14
_RESTART_AFTER_S = 1.0
_STOP_WITHIN_S = 600.0
# A consumer checks for work several times a second. If the database is down, it may wait half a minute for a
# connection, twice; beyond that it hangs.
_SILENT_MOST_S = 90.0


def run_worker(
    settings: Settings, *, threads: int, supervisor: int | None = None, tuning: Tuning | None = None
) -> None:
    """Work in this process until SIGTERM or SIGINT, then stop gracefully. A second signal ends it at once.

    `supervisor` is the process that restarts this one; when it is gone, this one stops too. Raises SettingsError if
    HEARTBEAT_DIR cannot be used.
    """
    stopping = _stopping()
    engine = connect_worker(database_settings(settings, pool_size=threads + _EXTRA_CONNECTIONS), name="diorama-worker")
    listen_url = normalised_url(settings.database_url).set(drivername="postgresql")
    engines = Engines(engine, listen_url.render_as_string(hide_password=False))
    name = f"{socket.gethostname()}:{os.getpid()}"
    pace = tuning or Tuning()

    def runtime(recorder: Recorder, renewer: Renewer) -> Runtime:
        return build_runtime(settings, engine, recorder, renewer, pace)

    with (
        Heartbeat(settings.heartbeat_dir) as heart,
        WorkerProcess(
            engines,
            runtime,
            name=name,
            threads=threads,
            periodic_tasks_of=partial(build_periodic_tasks, tuning=pace),
            webhooks_of=partial(build_webhooks, settings, engine, name, pace),
        ) as worker,
    ):
        announce(worker=name)
        log_drift_aside(settings)
        _beat_until(lambda: stopping.wait(0.2) or _is_orphan(supervisor), worker, heart)
        log.info("stopping", worker=name)


def _beat_until(is_over: Callable[[], bool], worker: WorkerProcess, heart: Heartbeat) -> None:
    """Beat while the worker works. `is_over` waits, but shortly, because a signal handler runs only between waits."""
    while not is_over():
        if worker.silent_s <= _SILENT_MOST_S:
            heart.beat()


def _is_orphan(supervisor: int | None) -> bool:
    """Return whether the supervisor is gone. Another parent may go: a shell that exits must not end its workers."""
    return supervisor is not None and os.getppid() != supervisor


def _stopping() -> threading.Event:
    """Return an event that the first signal sets; the second ends the process at once."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop_or_exit(stopping))
    return stopping


def _stop_or_exit(stopping: threading.Event) -> None:
    if stopping.is_set():
        os._exit(1)
    stopping.set()


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    started: float


def supervise(command: list[str], processes: int) -> int:
    """Run `processes` copies of a worker's command, restart those that die, and stop all on SIGTERM or SIGINT.

    Returns the exit status: 0 if all of them stopped gracefully.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    children = [_start(command) for _ in range(processes)]
    while not stopping.wait(0.2):
        children = [_kept_alive(child, command) for child in children]
    for child in children:
        child.process.terminate()
    return max(_ended(child) for child in children)


def _start(command: list[str]) -> _Child:
    argv = [sys.executable, "-m", "diorama", *command, "--supervisor", str(os.getpid())]
    # Its own group: Ctrl-C in a terminal reaches only the supervisor, which then stops the workers gracefully.
    return _Child(subprocess.Popen(argv, process_group=0), time.monotonic())


def _kept_alive(child: _Child, command: list[str]) -> _Child:
    code = child.process.poll()
    if code is None:
        return child
    log.error("a worker process died; starting another", pid=child.process.pid, exit_code=code)
    # A worker that dies at once would otherwise be restarted hundreds of times a second.
    time.sleep(max(0.0, _RESTART_AFTER_S - (time.monotonic() - child.started)))
    return _start(command)


def _ended(child: _Child) -> int:
    try:
        code = child.process.wait(_STOP_WITHIN_S)
        # A worker that is still starting does not handle the signal yet and dies by it; it had no work yet.
        return 0 if code == -signal.SIGTERM else abs(code)
    except subprocess.TimeoutExpired:
        child.process.kill()
        return 1
