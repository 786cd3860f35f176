"""Self-confinement of the child before it reads untrusted bytes: resource limits, and exit with its parent."""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import Final

from jobs.media.limits import ChildLimits

PR_SET_PDEATHSIG: Final = 1
MAX_OPEN_FILES: Final = 64


def confine(limits: ChildLimits, parent_pid: int) -> None:
    """Apply `limits` to this process permanently. The parent enforces the wall-clock limit.

    This runs after exec because code between fork and exec can deadlock a parent that has threads.
    """
    die_with_parent(parent_pid)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _limit(resource.RLIMIT_CPU, limits.cpu_s)
    if sys.platform == "linux":
        # Other platforms define this limit but do not support setting it.
        _limit(resource.RLIMIT_AS, limits.memory_bytes)


def _limit(kind: int, value: int) -> None:
    """Lower a limit; leave it unchanged where it is already lower."""
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value if kind != resource.RLIMIT_CPU else hard))


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that started it ends; exit at once if it already has."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        raise SystemExit("the parent is gone")
