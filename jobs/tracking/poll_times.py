"""Poll times of a job: the poll schedule, applied to what is known of the job and of earlier predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from db.engine.claims import ClaimedJob
from jobs.providers.profiles import Profile
from jobs.tracking.durations import Durations, Usual
from jobs.tracking.poll_schedule import Poll, PollSchedule, Reports, next_poll
from jobs.tracking.watcher_status import CachedWatcherStatus
from statemachine.outcomes import Accepted


@dataclass(frozen=True, slots=True)
class PollTimes:
    """The poll schedule and everything it depends on. `by_webhook` is true if the provider is given webhooks."""

    schedule: PollSchedule = field(default_factory=PollSchedule)
    durations: Durations = field(default_factory=Durations)
    watcher_status: CachedWatcherStatus = field(default_factory=CachedWatcherStatus)
    by_webhook: bool = False
    rng: Random = field(default_factory=Random)

    def usual(self, profile: Profile, duration_s: int | None) -> Usual:
        """Return how long the profile's model takes for a job of this length."""
        return self.durations.usual(profile, duration_s)

    def decision(self, job: ClaimedJob, elapsed_s: float, profile: Profile) -> Poll:
        """Return whether to call the provider about a running job now, and when it is due again."""
        reports = Reports(
            by_webhook=self.by_webhook,
            in_list=job.listed_at is not None,
            has_ended=bool(job.sighting and job.sighting["has_ended"]),
        )
        usual = self.usual(profile, job.duration_s)
        return next_poll(self.schedule, elapsed_s, usual, reports, self.watcher_status.current, self.rng)

    def first(self, job: ClaimedJob, profile: Profile) -> Callable[[Accepted], float]:
        """Return a function from an acceptance to the seconds until the first poll.

        Whatever that depends on is read now, before the paid call, so that nothing has to be read before its response
        is recorded.
        """
        usual, status = self.usual(profile, job.duration_s), self.watcher_status.current

        def due_in_s(accepted: Accepted) -> float:
            reports = Reports(by_webhook=self.by_webhook, in_list=accepted.created_at is not None)
            decision = next_poll(self.schedule, 0.0, usual, reports, status, self.rng)
            return accepted.poll_after_s if decision.is_due else decision.again_in_s

        return due_in_s
