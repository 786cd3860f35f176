"""Waits: the one place for retry delays and the head start of a priority."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from statemachine.deadlines import Deadlines

LOWEST_PRIORITY, HIGHEST_PRIORITY = -10, 10


@dataclass(frozen=True, slots=True)
class JobPolicy:
    """The delays, caps and deadlines of a job. A transient failure is retried once per delay, plus up to `jitter`."""

    delays_s: tuple[float, ...] = (5.0, 10.0, 20.0)
    jitter: float = 0.1
    # The wait if the provider asks for one without naming its length, and the wait for an operator.
    wait_s: float = 30.0
    operator_wait_s: float = 300.0
    # Submissions of one job that the provider may accept, the first included.
    attempts_max: int = 4
    # A job that is claimed more often without a recorded event is assumed to crash its workers.
    claims_max: int = 5
    # The search for a lost submission ends after this time: the provider wipes inputs an hour after completion.
    reconcile_for: timedelta = timedelta(minutes=20)
    # The most that the submissions of one job may cost together, open ones counted in full.
    spend_cap_micros: int = 3_000_000
    deadlines: Deadlines = field(default_factory=Deadlines)

    def delay_before(self, failures: int, rng: Random) -> timedelta | None:
        """Return the wait after the `failures`-th failure in a row (1-based), or None if no retry is left."""
        if failures > len(self.delays_s):
            return None
        base_s = self.delays_s[failures - 1]
        return timedelta(seconds=base_s * (1 + self.jitter * rng.random()))


# A priority is a head start: a queued job is due that much earlier than it was created, and the oldest due job goes
# first. So a higher priority overtakes, and no job starves, because all jobs age at the same speed.
_HEAD_START_PER_PRIORITY = timedelta(seconds=60)


def head_start(priority: int) -> timedelta:
    """Return the time by which a job of this priority is due before its creation; zero for the lowest."""
    return (priority - LOWEST_PRIORITY) * _HEAD_START_PER_PRIORITY
