"""The breaker: after too many failures in a row, or trouble with the account, nothing is submitted for a while.

Then a single submission is let through. If the provider takes it, all is well again; if not, the next pause is longer.
Where the trouble showed only once a prediction ran, it is over once a prediction has succeeded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from statemachine.budget import OUT_OF_TURN


class BreakerState(StrEnum):
    """Whether submissions go through."""

    CLOSED = "closed"  # they do
    OPEN = "open"  # they do not, until a certain time
    HALF_OPEN = "half_open"  # one does, and the others wait for what becomes of it


class Cause(StrEnum):
    """What opened the breaker."""

    OUTAGE = "outage"  # the provider fails, does not answer or sends everyone away
    ACCOUNT = "account"  # the provider's account needs a person: a wrong token, no credit


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When the breaker opens and for how long: twice as long each time, up to a limit."""

    failures_max: int = 10
    outage_s: float = 5.0
    account_s: float = 60.0
    doublings_max: int = 4
    # How long the one submission may take to show how things are; then another one is let through.
    probe_s: float = 60.0

    def pause(self, cause: Cause, openings: int) -> timedelta:
        """Return how long the breaker stays open, the `openings`-th time in a row (1-based)."""
        base_s = self.account_s if cause is Cause.ACCOUNT else self.outage_s
        return timedelta(seconds=base_s * 2 ** min(openings - 1, self.doublings_max))


@dataclass(frozen=True, slots=True)
class Breaker:
    """How the breaker stands.

    `failures` in a row while it was closed; on one that is not, the predictions by which the trouble showed although
    their submissions were taken. `openings` since all was well; `until` is when an open one lets somebody through, or
    when a half-open one gives up on whom it let through. `detail` is for operators.
    """

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    openings: int = 0
    cause: Cause | None = None
    detail: str | None = None
    opened_at: datetime | None = None
    until: datetime | None = None

    @property
    def is_untouched(self) -> bool:
        """Whether a success would change nothing."""
        return self == _WELL

    def by_clock_at(self, now: datetime, policy: BreakerPolicy) -> Breaker:
        """Return the breaker whose pause is over where it would last longer than any that begins now.

        It was begun by a clock that was ahead and has been set back. How much of the pause is left is not known, and
        the next submission will show.
        """
        if self.until is None or self.cause is None:
            return self
        probes = self.state is BreakerState.HALF_OPEN
        longest = timedelta(seconds=policy.probe_s) if probes else policy.pause(self.cause, self.openings)
        return self if self.until <= now + longest + OUT_OF_TURN else replace(self, until=now)

    def most(self, now: datetime) -> int | None:
        """Return how many submissions may be begun; None for any number."""
        if self.state is BreakerState.CLOSED:
            return None
        return 1 if self.until is None or now >= self.until else 0

    def wait_s(self, now: datetime) -> float:
        """Return the seconds until somebody is let through."""
        return 0.0 if self.until is None else max(0.0, (self.until - now).total_seconds())

    def probing(self, now: datetime, policy: BreakerPolicy) -> Breaker:
        """Return the breaker after it has let one submission through; a closed one stays as it is."""
        if self.state is BreakerState.CLOSED:
            return self
        return replace(self, state=BreakerState.HALF_OPEN, until=now + timedelta(seconds=policy.probe_s))

    def held_back(self, now: datetime) -> Breaker:
        """Return the breaker after a submission that was let through never came to the provider: another one may.

        An open one stays: that submission was begun before, and the pause is as long as it was.
        """
        return replace(self, until=now) if self.state is BreakerState.HALF_OPEN else self

    def succeeded(self) -> Breaker:
        """Return the breaker after the provider took a submission.

        An open one stays: that submission was begun before. So does one whose trouble shows only later.
        """
        return self if self.state is BreakerState.OPEN or self._waits_for_an_end else _WELL

    def delivered(self) -> Breaker:
        """Return the breaker after a prediction succeeded, which only one whose trouble showed there waits for."""
        return _WELL if self._waits_for_an_end else self

    @property
    def _waits_for_an_end(self) -> bool:
        """Whether the end of a prediction shows how things are, and not that a submission is taken."""
        return self.state is BreakerState.HALF_OPEN and self.failures > 0

    def spoiled(self, now: datetime, detail: str | None, policy: BreakerPolicy) -> Breaker:
        """Return the breaker after a prediction failed because of the account, though its submission was taken."""
        breaker = self.failed(now, Cause.ACCOUNT, detail, policy)
        return breaker if breaker is self else replace(breaker, failures=1)

    def failed(self, now: datetime, cause: Cause, detail: str | None, policy: BreakerPolicy) -> Breaker:
        """Return the breaker after a submission failed for a reason that would meet any other as well."""
        if self.state is BreakerState.OPEN:
            # Begun before it opened. Only that a person is needed is news.
            is_news = cause is Cause.ACCOUNT and self.cause is not Cause.ACCOUNT
            return self._opened(now, cause, detail, policy) if is_news else self
        if self.state is BreakerState.HALF_OPEN or cause is Cause.ACCOUNT or self.failures + 1 >= policy.failures_max:
            return self._opened(now, cause, detail, policy)
        return replace(self, failures=self.failures + 1)

    def _opened(self, now: datetime, cause: Cause, detail: str | None, policy: BreakerPolicy) -> Breaker:
        openings = self.openings + 1 if cause is self.cause else 1
        return Breaker(
            state=BreakerState.OPEN,
            openings=openings,
            cause=cause,
            detail=detail,
            opened_at=now if self.state is BreakerState.CLOSED else self.opened_at,
            until=now + policy.pause(cause, openings),
        )


_WELL = Breaker()
