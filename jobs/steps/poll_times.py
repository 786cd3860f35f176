"""When a running job is looked at, from what is known of it and of those before it."""

from __future__ import annotations

from collections.abc import Callable

from db.engine.claims import ClaimedJob
from jobs.providers.profiles import Profile
from jobs.steps.runtime import Runtime
from jobs.tracking.poll_schedule import Poll, Reports, next_poll
from statemachine.outcomes import Accepted


def poll_decision(job: ClaimedJob, elapsed_s: float, profile: Profile, runtime: Runtime) -> Poll:
    """Return whether to ask the provider about a running job now, and when it is due again."""
    reports = Reports(
        by_webhook=runtime.public_url is not None,
        in_list=job.listed_at is not None,
        has_ended=bool(job.sighting and job.sighting["has_ended"]),
    )
    return _next(job, elapsed_s, profile, reports, runtime)


def first_poll(job: ClaimedJob, profile: Profile, runtime: Runtime) -> Callable[[Accepted], float]:
    """Return a function from an acceptance to the seconds until the first poll.

    Whatever that depends on is read now, before the paid call, so that nothing has to be read before its response is
    recorded.
    """
    usual, watch = runtime.durations.usual(profile, job.duration_s), runtime.watched.state

    def due_in_s(accepted: Accepted) -> float:
        reports = Reports(by_webhook=runtime.public_url is not None, in_list=accepted.created_at is not None)
        decision = next_poll(runtime.polling, 0.0, usual, reports, watch, runtime.rng)
        return accepted.poll_after_s if decision.is_due else decision.again_in_s

    return due_in_s


def _next(job: ClaimedJob, elapsed_s: float, profile: Profile, reports: Reports, runtime: Runtime) -> Poll:
    usual = runtime.durations.usual(profile, job.duration_s)
    return next_poll(runtime.polling, elapsed_s, usual, reports, runtime.watched.state, runtime.rng)
