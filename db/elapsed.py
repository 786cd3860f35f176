"""Time that has passed for this process, whatever happened to it and to its machine meanwhile."""

from __future__ import annotations

import time
from typing import NamedTuple

# Linux's clock that counts the machine's sleep; where there is none, the wall clock shows that.
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Instant(NamedTuple):
    """A moment by three clocks, in seconds.

    The monotonic one runs on while a process is stopped, but stands still while its machine sleeps; the boot time
    counts that; only the wall clock shows what a virtual machine missed that was restored from a snapshot.
    """

    monotonic_s: float
    boottime_s: float
    wall_s: float

    def since(self, earlier: Instant) -> float:
        """Return the seconds since an earlier instant, by the clock that counted the most. One set back is ignored."""
        return max(
            self.monotonic_s - earlier.monotonic_s,
            self.boottime_s - earlier.boottime_s,
            self.wall_s - earlier.wall_s,
        )


def this_instant() -> Instant:
    """Return what the clocks say now."""
    return Instant(time.monotonic(), time.clock_gettime(_BOOTTIME), time.time())
