"""Looking: when a call to the provider is worth it, and when a running job is due again. Pure.

A prediction that a webhook will tell of, or that the watcher sees in the provider's list, needs no look of its own:
its job only tells its progress, by the clock. Any other is looked at seldom at first, often around the usual time, and
ever less often after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from db.engine.tracking import WatchState
from jobs.tracking.durations import Usual


@dataclass(frozen=True, slots=True)
class PollSettings:
    """How often a running generation is looked at, in seconds."""

    least_s: float = 1.0
    most_s: float = 10.0
    share_of_elapsed: float = 0.15
    # Before the usual time only failures are to be seen: few looks, each after half as long again.
    share_of_young: float = 0.5
    # How many looks there are between the times at which predictions usually end.
    looks_around_usual: float = 10.0
    jitter: float = 0.1
    # With webhooks, a look without having been told is the net under lost ones, and may come late.
    untold_share_of_typical: float = 1.5
    untold_most_s: float = 180.0
    # How often a job that needs no look tells its progress, at the most.
    tick_s: float = 5.0
    # What all jobs together may do a second where many run: tell their progress; look, should the watcher be gone.
    ticks_per_s: float = 200.0
    looks_per_s: float = 10.0

    def untold_s(self, middle_s: float) -> float:
        """Return how old a prediction becomes that no webhook tells of, before it is looked at."""
        return min(self.untold_most_s, middle_s * self.untold_share_of_typical)

    def wait_s(self, elapsed_s: float, usual: Usual) -> float:
        """Return the seconds until the next look after `elapsed_s` of work."""
        if not usual.is_known or elapsed_s > usual.high_s:
            wanted_s = elapsed_s * self.share_of_elapsed
        elif elapsed_s < usual.low_s:
            wanted_s = min(elapsed_s * self.share_of_young, usual.low_s - elapsed_s)
        else:
            wanted_s = (usual.high_s - usual.low_s) / self.looks_around_usual
        return min(self.most_s, max(self.least_s, wanted_s))


@dataclass(frozen=True, slots=True)
class Look:
    """Whether to ask the provider now, and in how many seconds the job is due again while it runs."""

    is_due: bool
    again_in_s: float


@dataclass(frozen=True, slots=True)
class Telling:
    """How one hears of a prediction's end without asking.

    `by_webhook` where the provider was asked to tell, `in_list` where the prediction has a place in the list;
    `has_told` once either has told.
    """

    by_webhook: bool = False
    in_list: bool = False
    has_told: bool = False


def next_look(
    settings: PollSettings, elapsed_s: float, usual: Usual, telling: Telling, watch: WatchState, rng: Random
) -> Look:
    """Return whether a look is worth a call now, and when the job is due again."""
    spread = 1 + settings.jitter * (2 * rng.random() - 1)
    if not telling.has_told:
        quiet_s = _quiet_s(settings, elapsed_s, usual, telling, watch)
        if quiet_s > 0:
            tick_s = max(settings.tick_s, watch.in_flight / settings.ticks_per_s) * spread
            return Look(False, min(tick_s, quiet_s))
    # Should the watcher of many be gone, their looks together stay bearable until the next one takes over.
    is_one_of_many = watch.in_flight > settings.looks_per_s and not telling.has_told
    least_s = watch.in_flight / settings.looks_per_s if is_one_of_many else 0.0
    return Look(True, max(least_s, settings.wait_s(elapsed_s, usual)) * spread)


def _quiet_s(settings: PollSettings, elapsed_s: float, usual: Usual, telling: Telling, watch: WatchState) -> float:
    """Return for how long no look is needed, because somebody else will tell of the end; not above 0 where one is."""
    webhook_s = settings.untold_s(usual.middle_s) - elapsed_s if telling.by_webhook else 0.0
    # What the list does not show although it should is looked at in the end, like everything.
    watcher_s = 2 * usual.high_s + 60 - elapsed_s if telling.in_list and watch.covers else 0.0
    return max(webhook_s, watcher_s)
