"""The heartbeats of worker processes: one file each, touched every few seconds while the worker is healthy.

A health check needs it, because a worker listens on no port, and a process that exists may still hang. The file is
named after the process id, so that the file a killed worker left behind is not mistaken for a worker that hangs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from diorama.doctor.findings import Finding
from diorama.settings import SettingsError, read_settings

_BEAT_EVERY_S = 5.0
_SILENT_MOST_S = 30.0


class Heartbeat:
    """Keeps this process's file in a folder, or does nothing if there is no folder. Use it as a context manager."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / str(os.getpid()) if folder else None
        self._due_at = 0.0

    def __enter__(self) -> Heartbeat:
        """Create the folder and beat for the first time. Raises SettingsError if that fails."""
        if self._file is not None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.touch()
            except OSError as error:
                reason = f"{self._file.parent} cannot be written to ({error.strerror}); choose another folder"
                raise SettingsError(f"HEARTBEAT_DIR is wrong: {reason}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.unlink()

    def beat(self) -> None:
        """Touch the file, at most once every few seconds; may be called as often as you like."""
        if self._file is None or time.monotonic() < self._due_at:
            return
        # A disk that is briefly full is no reason to stop a worker.
        with suppress(OSError):
            self._file.touch()
        self._due_at = time.monotonic() + _BEAT_EVERY_S


def examine_workers() -> Iterator[Finding]:
    """Check the heartbeats of this machine's workers; having none is a fault."""
    try:
        settings = read_settings()
    except SettingsError as error:
        yield Finding("settings", False, str(error))
        return
    if settings.heartbeat_dir is None:
        yield Finding("workers", False, "HEARTBEAT_DIR is not set; set it for the workers and for this check")
        return
    ages_s = dict(_ages_s(settings.heartbeat_dir))
    if not ages_s:
        yield Finding("workers", False, f"no running worker has a heartbeat in {settings.heartbeat_dir}")
    for pid, age_s in ages_s.items():
        yield Finding(f"worker {pid}", age_s <= _SILENT_MOST_S, f"last heartbeat {age_s:.0f} s ago")


def _ages_s(folder: Path) -> Iterator[tuple[int, float]]:
    """Yield each running process that has a heartbeat, with the seconds since the last one."""
    for file in folder.glob("[0-9]*"):
        with suppress(OSError, ValueError):
            pid, beaten_at = int(file.name), file.stat().st_mtime
            # Raises if there is no such process.
            os.kill(pid, 0)
            yield pid, max(0.0, time.time() - beaten_at)
