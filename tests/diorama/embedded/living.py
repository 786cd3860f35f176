"""What the kernel knows of processes: who lives, whose they are, and who came of whom."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

# The kernel signals the servers at once; they need a moment to end, more on a busy machine.
GONE_WITHIN_S = 20.0


def eventually(fact: Callable[[], bool]) -> bool:
    """Whether the fact comes true in good time."""
    deadline = time.monotonic() + GONE_WITHIN_S
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def runs(pid: int) -> bool:
    """Whether the process exists and is more than a zombie that nobody has buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def owner(pid: int) -> int:
    """The user whose rights the process has."""
    return Path(f"/proc/{pid}").stat().st_uid


def members(pids: list[int]) -> set[int]:
    """The processes and their children."""
    found = set(pids)
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent in pids:
            found.add(int(entry.parent.name))
    return found
