"""Time as predictions see it: wall time that can be moved ahead, its text form, and an agenda of things to do."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def to_us(time_s: float) -> int:
    """Return a time as whole microseconds, so that a time and its printed form compare as equal."""
    return round(time_s * 1_000_000)


def to_text(time_s: float) -> str:
    """Return RFC 3339 in UTC with as many fractional digits as it needs: none for a full second, up to six."""
    moment = datetime.fromtimestamp(time_s, UTC)
    whole = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{moment.microsecond:06d}".rstrip("0")
    return f"{whole}{fraction}Z" if len(fraction) > 1 else f"{whole}Z"


def from_text(text: str) -> float:
    """Return the time that an ISO 8601 text names; without an offset it is UTC. Raises ValueError."""
    # A "+" that was not escaped in a query string arrives as a space.
    moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


LONGEST_S = 100 * 365 * 86_400.0
"""How far ahead anything may be: beyond it, times soon have no date that could be printed."""


class Clock:
    """The wall clock plus how far it is set ahead, and what `advance` has added to that."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.ahead_s = ahead_s

    def now(self) -> float:
        """Return the time in seconds since 1970, to the microsecond."""
        return round(time.time() + self.ahead_s, 6)


@dataclass(slots=True)
class Appointment:
    """One thing to do at a time. Canceling it twice, or after it happened, does no harm."""

    at: float
    act: Callable[[], object] | None

    def cancel(self) -> None:
        """Forget what was to be done."""
        self.act = None


class Agenda:
    """Calls functions when their time has come, with one timer however many there are.

    The timer lives on the running loop; when the clock is moved ahead, everything that has become due happens at once,
    in order of time.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Appointment]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def at(self, when: float, act: Callable[[], object]) -> Appointment:
        """Call `act` at `when` (seconds since 1970), or in the next turn of the loop if that has passed."""
        appointment = Appointment(when, act)
        heapq.heappush(self._heap, (when, next(self._order), appointment))
        if self._heap[0][2] is appointment:
            self._arm()
        return appointment

    async def until(self, when: float) -> None:
        """Return when the clock has reached `when`."""
        reached = asyncio.get_running_loop().create_future()
        appointment = self.at(when, lambda: None if reached.done() else reached.set_result(None))
        try:
            await reached
        finally:
            appointment.cancel()

    def advance(self, seconds: float) -> None:
        """Move the clock ahead and do what has become due."""
        self.clock.ahead_s += seconds
        self._arm()

    def clear(self) -> None:
        """Forget everything that was to be done."""
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
