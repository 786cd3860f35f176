"""The time of the simulation: a wall clock that can be moved ahead, its text form, and a scheduler of calls."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def to_us(time_s: float) -> int:
    """Return a time as whole microseconds, so that a time and its text form compare as equal."""
    return round(time_s * 1_000_000)


def to_text(time_s: float) -> str:
    """Return RFC 3339 in UTC with as many fractional digits as needed, from none to six."""
    moment = datetime.fromtimestamp(time_s, UTC)
    whole = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{moment.microsecond:06d}".rstrip("0")
    return f"{whole}{fraction}Z" if len(fraction) > 1 else f"{whole}Z"


def from_text(text: str) -> float:
    """Parse an ISO 8601 time; without an offset it is UTC. Raises ValueError."""
    # A "+" that was not escaped in a query string arrives as a space.
    moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


LONGEST_S = 100 * 365 * 86_400.0
"""The most that a clock may be ahead; a little beyond it, times have no date that can be written."""


class Clock:
    """The wall clock plus `ahead_s`, the seconds that it was set ahead or has advanced."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.ahead_s = ahead_s

    def now(self) -> float:
        """Return the time in seconds since 1970, to the microsecond."""
        return round(time.time() + self.ahead_s, 6)


@dataclass(slots=True)
class ScheduledCall:
    """A call that is due at a time. Canceling it twice, or after it was made, does no harm."""

    at: float
    act: Callable[[], object] | None

    def cancel(self) -> None:
        """Do not make the call."""
        self.act = None


class Scheduler:
    """Calls functions at their times, with a single timer for all of them.

    The timer is on the running loop. When the clock is moved ahead, every call that has become due is made at once, in
    order of time.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, ScheduledCall]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def at(self, when: float, act: Callable[[], object]) -> ScheduledCall:
        """Call `act` at `when` (seconds since 1970), or in the loop's next iteration if that has passed."""
        call = ScheduledCall(when, act)
        heapq.heappush(self._heap, (when, next(self._order), call))
        if self._heap[0][2] is call:
            self._arm()
        return call

    async def until(self, when: float) -> None:
        """Wait until the clock reaches `when`."""
        reached = asyncio.get_running_loop().create_future()
        call = self.at(when, lambda: None if reached.done() else reached.set_result(None))
        try:
            await reached
        finally:
            call.cancel()

    def advance(self, seconds: float) -> None:
        """Move the clock ahead and make the calls that have become due."""
        self.clock.ahead_s += seconds
        self._arm()

    def clear(self) -> None:
        """Cancel all calls."""
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            delay_s = max(0.0, self._heap[0][0] - self.clock.now())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._run_due)

    def _run_due(self) -> None:
        self._timer = None
        now = self.clock.now()
        while self._heap and self._heap[0][0] <= now:
            act = heapq.heappop(self._heap)[2].act
            if act is not None:
                act()
        self._arm()
