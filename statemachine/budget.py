"""The provider call budget: calls per minute, kept as a bucket of permits. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Budget:
    """A number of calls per minute, of which a share may be made at once."""

    per_minute: float
    burst_share: float = 0.1

    @property
    def burst(self) -> float:
        """Return the largest number of permits that are saved up."""
        return max(1.0, self.per_minute * self.burst_share)

    @property
    def every_s(self) -> float:
        """Return the seconds per permit."""
        return 60.0 / self.per_minute


# A transaction's time is its start, and transactions reach the bucket out of order: a time earlier by up to this much
# does not mean that the clock was set back.
OUT_OF_TURN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Bucket:
    """The available permits. Below zero, urgent calls have taken some in advance.

    `blocked_until` is the wait the provider requested. `next_slot_at` is the first slot not yet given to a caller.
    `per_minute` is the rate at which it was last filled.
    """

    permits: float
    filled_at: datetime
    blocked_until: datetime | None = None
    next_slot_at: datetime | None = None
    per_minute: float | None = None

    def filled(self, budget: Budget, now: datetime) -> Bucket:
        """Return the bucket with the permits earned since; a clock that went back earns none.

        Save the result, or nothing is earned by that clock before it has caught up.
        """
        known = self._by_clock_at(now)
        passed_s = max(0.0, (now - known.filled_at).total_seconds())
        permits = min(budget.burst, known.permits + passed_s / budget.every_s)
        return replace(known, permits=permits, filled_at=max(now, known.filled_at), per_minute=budget.per_minute)

    def _by_clock_at(self, now: datetime) -> Bucket:
        """Return the bucket moved to a clock that was set back, with the same remaining waits.

        Otherwise no call could be made for as long as the clock had been ahead.
        """
        ahead = self.filled_at - now
        if ahead <= OUT_OF_TURN:
            return self
        return replace(
            self,
            filled_at=now,
            blocked_until=None if self.blocked_until is None else self.blocked_until - ahead,
            next_slot_at=None if self.next_slot_at is None else self.next_slot_at - ahead,
        )

    def left(self, now: datetime) -> int | None:
        """Return how many calls may be made now at the rate of the last filling; None if it was never filled."""
        return None if self.per_minute is None else self.filled(Budget(self.per_minute), now).whole(now)

    def whole(self, now: datetime) -> int:
        """Return how many calls may be made now; call it on a filled bucket."""
        return 0 if self.is_blocked(now) else max(0, int(self.permits + 1e-9))

    def is_blocked(self, now: datetime) -> bool:
        """Return True during a pause that the provider requested."""
        return self.blocked_until is not None and now < self.blocked_until

    def spend(self, calls: int) -> Bucket:
        """Return the bucket after so many calls."""
        return replace(self, permits=self.permits - calls)

    def wait_s(self, budget: Budget, now: datetime) -> float:
        """Return the seconds until a call may be made."""
        missing_s = max(0.0, 1.0 - self.permits) * budget.every_s
        blocked_s = (self.blocked_until - now).total_seconds() if self.blocked_until else 0.0
        return max(missing_s, blocked_s, 0.0)

    def put_off(self, budget: Budget, now: datetime) -> tuple[Bucket, float]:
        """Return the bucket, and the seconds after which the caller may come back, each caller a slot later."""
        first = now + timedelta(seconds=self.wait_s(budget, now))
        slot = max(first, self.next_slot_at or first)
        after = slot + timedelta(seconds=budget.every_s)
        return replace(self, next_slot_at=after), (slot - now).total_seconds()

    def block(self, until: datetime) -> Bucket:
        """Return the bucket blocked until then; saved permits are lost.

        Call it on a filled bucket, which knows its clock.
        """
        later = until if self.blocked_until is None else max(until, self.blocked_until)
        return replace(self, permits=min(self.permits, 0.0), blocked_until=later)
