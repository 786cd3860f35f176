"""The processor time that processes have used, in seconds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def spent_s(pids: Iterable[int]) -> float:
    """Return the seconds of running processes, without those of their children."""
    return sum(sum(_ticks(pid)[:2]) for pid in pids) / _TICKS_PER_S


def spent_by_postgres_s(postmaster: int) -> float:
    """Return the seconds of Postgres: its own, its running children's and its ended children's."""
    children = [
        int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _parent(path) == postmaster
    ]
    return sum(_ticks(postmaster)) / _TICKS_PER_S + spent_s(children)


def _ticks(pid: int) -> tuple[int, int, int, int]:
    """Return the time in the program and in the system, of a process and of its ended children."""
    # The name of the program, in brackets, may contain spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    utime, stime, children_utime, children_stime = (int(field) for field in fields[11:15])
    return utime, stime, children_utime, children_stime


def _parent(process: Path) -> int | None:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except FileNotFoundError:
        return None
