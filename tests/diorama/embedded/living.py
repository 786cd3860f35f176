"""What the kernel knows of processes: who lives, whose they are, and who came of whom."""

from __future__ import annotations

from pathlib import Path


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
