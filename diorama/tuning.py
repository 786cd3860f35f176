"""The constants of a worker that no operator has a reason to change, gathered so that tests can build one with others.

Each default stands beside what it configures, with its reason; what has no home of its own stands here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from jobs.tracking.poll_schedule import PollSchedule
from jobs.tracking.watcher import WatchSettings
from statemachine.backoff import JobPolicy
from statemachine.breaker import BreakerPolicy


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a worker paces itself. The defaults are right for Replicate; tests stand before a much faster provider."""

    # A worker that vanished delays its jobs by this much; a shorter lease costs renewals and takes jobs from slow ones.
    lease: timedelta = timedelta(seconds=60)
    polling: PollSchedule = field(default_factory=PollSchedule)
    watching: WatchSettings = field(default_factory=WatchSettings)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    policy: JobPolicy = field(default_factory=JobPolicy)
    # The provider's list lags behind its creates by a second or two: before this, an absence there proves nothing.
    list_settles_after_s: float = 10.0
    # An orphan costs at most this much computing more; each search reads pages that every worker's budget pays for.
    orphan_search_s: float = 60.0
    # What is too old may stay some minutes longer; each pass reads the indexes of every policy.
    purge_every_s: float = 600.0
