"""The heartbeat of worker processes: a file each, which is as young as the process's last sign of life.

A health check has nobody to ask: a worker listens at no port, and that its process exists says little. The file is
named by the process's id, so that what a killed worker has left is told from one that hangs.
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
    """Keeps this process's file in a folder; does nothing without a folder. Use it as a context manager."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / str(os.getpid()) if folder else None
        self._due_at = 0.0

    def __enter__(self) -> Heartbeat:
        """Make the folder and beat for the first time. Raises SettingsError where that can not be."""
        if self._file is not None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.touch()
            except OSError as error:
                told = f"no file can be kept in {self._file.parent} ({error.strerror}); name a folder that can be made"
                raise SettingsError(f"HEARTBEAT_DIR is wrong: {told}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.unlink()

    def beat(self) -> None:
        """Make the file young again, once in a few seconds; may be called as often as one likes."""
        if self._file is None or time.monotonic() < self._due_at:
            return
        # A disk that is full for a moment is no reason to end a worker.
        with suppress(OSError):
            self._file.touch()
        self._due_at = time.monotonic() + _BEAT_EVERY_S


def examine_workers() -> Iterator[Finding]:
    """Look at the heartbeats of this machine's workers; a fault where there are none."""
    try:
        settings = read_settings()
    except SettingsError as error:
        yield Finding("settings", False, str(error))
        return
    if settings.heartbeat_dir is None:
        yield Finding("workers", False, "HEARTBEAT_DIR is not set, for the workers and for this check alike")
        return
    ages_s = dict(_ages_s(settings.heartbeat_dir))
    if not ages_s:
        yield Finding("workers", False, f"none that lives has left a heartbeat in {settings.heartbeat_dir}")
    for pid, age_s in ages_s.items():
        yield Finding(f"worker {pid}", age_s <= _SILENT_MOST_S, f"last sign of life {age_s:.0f} s ago")


def _ages_s(folder: Path) -> Iterator[tuple[int, float]]:
    """Yield each living process that has a heartbeat, with the seconds since the last one."""
    for file in folder.glob("[0-9]*"):
        with suppress(OSError, ValueError):
            pid, beaten_at = int(file.name), file.stat().st_mtime
            # Raises where there is no such process.
            os.kill(pid, 0)
            yield pid, max(0.0, time.time() - beaten_at)
