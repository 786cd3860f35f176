"""The breaker: after too many failures in a row, or an account error, submissions stop for a while.

Then a single submission is admitted. If the provider accepts it, the breaker closes; if not, the next pause is longer.
If the error showed only when a prediction ran, the breaker closes once a prediction has succeeded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from statemachine.budget import OUT_OF_TURN
from statemachine.vocabulary import BreakerCause, BreakerState


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """The failures that open the breaker, and the length of its pauses, which double up to a limit."""

    failures_max: int = 10
    outage_s: float = 5.0
    account_s: float = 60.0
    doublings_max: int = 4
    # The time in which the one submission must show a result; then another one is admitted.
    probe_s: float = 60.0

    def pause(self, cause: BreakerCause, openings: int) -> timedelta:
        """Return how long the breaker stays open, the `openings`-th time in a row (1-based)."""
        base_s = self.account_s if cause is BreakerCause.ACCOUNT else self.outage_s
        return timedelta(seconds=base_s * 2 ** min(openings - 1, self.doublings_max))


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of the breaker.

    `failures` counts failures in a row while closed; otherwise, the predictions that showed the error although their
    submissions were accepted. `openings` counts openings since the last success; `until` is when an open breaker admits
    a probe, or a half-open one gives up on its probe. `detail` is for operators.
    """

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    openings: int = 0
    cause: BreakerCause | None = None
    detail: str | None = None
    opened_at: datetime | None = None
    until: datetime | None = None

    @property
    def is_untouched(self) -> bool:
        """Return True if a success would change nothing."""
        return self == _WELL

    def by_clock_at(self, now: datetime, policy: BreakerPolicy) -> Breaker:
        """Return the breaker without a pause that outlasts any that could begin now.

        Such a pause began by a clock that was ahead and has been set back. The rest of the pause is unknown, and the
        next submission will show the provider's state.
        """
        if self.until is None or self.cause is None:
            return self
        probes = self.state is BreakerState.HALF_OPEN
        longest = timedelta(seconds=policy.probe_s) if probes else policy.pause(self.cause, self.openings)
        return self if self.until <= now + longest + OUT_OF_TURN else replace(self, until=now)

    def most(self, now: datetime) -> int | None:
        """Return how many submissions may start; None for any number."""
        if self.state is BreakerState.CLOSED:
            return None
        return 1 if self.until is None or now >= self.until else 0

    def wait_s(self, now: datetime) -> float:
        """Return the seconds until a submission is admitted."""
        return 0.0 if self.until is None else max(0.0, (self.until - now).total_seconds())

    def probing(self, now: datetime, policy: BreakerPolicy) -> Breaker:
        """Return the breaker after it has admitted one submission; a closed one stays as it is."""
        if self.state is BreakerState.CLOSED:
            return self
        return replace(self, state=BreakerState.HALF_OPEN, until=now + timedelta(seconds=policy.probe_s))

    def never_sent(self, now: datetime) -> Breaker:
        """Return the breaker after an admitted submission never reached the provider: another one may.

        An open one stays open: that submission started before, and the pause keeps its length.
        """
        return replace(self, until=now) if self.state is BreakerState.HALF_OPEN else self

    def succeeded(self) -> Breaker:
        """Return the breaker after the provider accepted a submission.

        An open one stays open: that submission started before. So does one whose error shows only later.
        """
        return self if self.state is BreakerState.OPEN or self._waits_for_an_end else _WELL

    def delivered(self) -> Breaker:
        """Return the breaker after a prediction succeeded, which closes one whose error showed in predictions."""
        return _WELL if self._waits_for_an_end else self

    @property
    def _waits_for_an_end(self) -> bool:
        """Return True if only the end of a prediction shows recovery, not an accepted submission."""
        return self.state is BreakerState.HALF_OPEN and self.failures > 0

    def spoiled(self, now: datetime, detail: str | None, policy: BreakerPolicy) -> Breaker:
        """Return the breaker after a prediction failed with an account error, though its submission was accepted."""
        breaker = self.failed(now, BreakerCause.ACCOUNT, detail, policy)
        return breaker if breaker is self else replace(breaker, failures=1)

    def failed(self, now: datetime, cause: BreakerCause, detail: str | None, policy: BreakerPolicy) -> Breaker:
        """Return the breaker after a submission failed for a reason that would affect any other as well."""
        if self.state is BreakerState.OPEN:
            # Started before it opened. Only an account error is news.
            is_news = cause is BreakerCause.ACCOUNT and self.cause is not BreakerCause.ACCOUNT
            return self._opened(now, cause, detail, policy) if is_news else self
        if (
            self.state is BreakerState.HALF_OPEN
            or cause is BreakerCause.ACCOUNT
            or self.failures + 1 >= policy.failures_max
        ):
            return self._opened(now, cause, detail, policy)
        return replace(self, failures=self.failures + 1)

    def _opened(self, now: datetime, cause: BreakerCause, detail: str | None, policy: BreakerPolicy) -> Breaker:
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
