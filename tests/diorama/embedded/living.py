"""Processes as the kernel shows them: which ones run, their owners and their children."""

from __future__ import annotations

from pathlib import Path


def runs(pid: int) -> bool:
    """Return whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def owner(pid: int) -> int:
    """Return the user that the process runs as."""
    return Path(f"/proc/{pid}").stat().st_uid


def members(pids: list[int]) -> set[int]:
    """Return the processes and their children."""
    found = set(pids)
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent in pids:
            found.add(int(entry.parent.name))
    return found
