"""Poll schedule: when a call to the provider is worth it, and when a running job is due again. Pure.

A prediction that a webhook will report, or that the watcher sees in the provider's list, needs no poll of its own: its
job only reports its progress, by the clock. Any other is polled seldom at first, often around the usual time, and ever
less often after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from db.engine.tracking import WatcherStatus
from jobs.tracking.durations import Usual


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """Times between the polls of a running generation, in seconds."""

    least_s: float = 1.0
    most_s: float = 10.0
    share_of_elapsed: float = 0.15
    # Before the usual time only failures are to be seen: few polls, each after half as long again.
    share_of_young: float = 0.5
    # How many polls there are between the times at which predictions usually end.
    polls_around_usual: float = 10.0
    jitter: float = 0.1
    # With webhooks, a poll without a report is the net under lost ones, and may come late.
    unreported_share_of_typical: float = 1.5
    unreported_most_s: float = 180.0
    # How often a job that needs no poll reports its progress, at most.
    tick_s: float = 5.0
    # The most that all jobs together do a second where many run: report progress, and poll without a watcher.
    ticks_per_s: float = 200.0
    polls_per_s: float = 10.0

    def unreported_s(self, middle_s: float) -> float:
        """Return how old a prediction becomes without a webhook before it is polled."""
        return min(self.unreported_most_s, middle_s * self.unreported_share_of_typical)

    def wait_s(self, elapsed_s: float, usual: Usual) -> float:
        """Return the seconds until the next poll after `elapsed_s` of work."""
        if not usual.is_known or elapsed_s > usual.high_s:
            wanted_s = elapsed_s * self.share_of_elapsed
        elif elapsed_s < usual.low_s:
            wanted_s = min(elapsed_s * self.share_of_young, usual.low_s - elapsed_s)
        else:
            wanted_s = (usual.high_s - usual.low_s) / self.polls_around_usual
        return min(self.most_s, max(self.least_s, wanted_s))


@dataclass(frozen=True, slots=True)
class Poll:
    """The decision to call the provider now, and the seconds until the job is due again while it runs."""

    is_due: bool
    again_in_s: float


@dataclass(frozen=True, slots=True)
class Reports:
    """Sources that report a prediction's end without a poll.

    `by_webhook` where webhooks are requested, `in_list` where the prediction has a place in the list; `has_ended` once
    either has reported the end.
    """

    by_webhook: bool = False
    in_list: bool = False
    has_ended: bool = False


def next_poll(
    settings: PollSchedule, elapsed_s: float, usual: Usual, reports: Reports, watch: WatcherStatus, rng: Random
) -> Poll:
    """Return whether a poll is worth a call now, and when the job is due again."""
    spread = 1 + settings.jitter * (2 * rng.random() - 1)
    if not reports.has_ended:
        quiet_s = _quiet_s(settings, elapsed_s, usual, reports, watch)
        if quiet_s > 0:
            tick_s = max(settings.tick_s, watch.in_flight / settings.ticks_per_s) * spread
            return Poll(False, min(tick_s, quiet_s))
    # Without the watcher of many, their polls together stay bearable until the next one takes over.
    is_one_of_many = watch.in_flight > settings.polls_per_s and not reports.has_ended
    least_s = watch.in_flight / settings.polls_per_s if is_one_of_many else 0.0
    return Poll(True, max(least_s, settings.wait_s(elapsed_s, usual)) * spread)


def _quiet_s(settings: PollSchedule, elapsed_s: float, usual: Usual, reports: Reports, watch: WatcherStatus) -> float:
    """Return for how long no poll is needed because another source will report the end; at most 0 where one is."""
    webhook_s = settings.unreported_s(usual.middle_s) - elapsed_s if reports.by_webhook else 0.0
    # What the list fails to show is polled in the end, like everything.
    watcher_s = 2 * usual.high_s + 60 - elapsed_s if reports.in_list and watch.covers else 0.0
    return max(webhook_s, watcher_s)
