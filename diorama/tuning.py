"""The constants of a worker that no operator has a reason to change, gathered so that tests can change them.

Each default stands beside what it configures, with its reason; the rest stand here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from jobs.tracking.poll_schedule import PollSchedule
from jobs.tracking.watcher import WatchSettings
from jobs.webhooks.pace import WebhookPace
from statemachine.backoff import JobPolicy
from statemachine.breaker import BreakerPolicy


@dataclass(frozen=True, slots=True)
class Tuning:
    """The pace of a worker. The defaults are right for Replicate; tests use a much faster provider."""

    # A worker that vanishes delays its jobs this long. A shorter lease costs renewals, and slow workers lose jobs.
    lease: timedelta = timedelta(seconds=60)
    polling: PollSchedule = field(default_factory=PollSchedule)
    tracking: WatchSettings = field(default_factory=WatchSettings)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    policy: JobPolicy = field(default_factory=JobPolicy)
    webhooks: WebhookPace = field(default_factory=WebhookPace)
    # The provider's list lags a second or two behind its creates: before this, absence from it proves nothing.
    list_settles_after_s: float = 10.0
    # An orphan computes at most this much longer; each search reads pages, which all workers' shared budget pays for.
    orphan_search_s: float = 60.0
    # An event is in the activity of its account about this long after its commit; each run costs a few statements.
    sequence_every_s: float = 0.04
    # Expired data may stay some minutes longer; each pass reads the indexes of every policy.
    purge_every_s: float = 600.0
