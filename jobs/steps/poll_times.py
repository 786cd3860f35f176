"""When a running job is looked at, from what is known of it and of those before it."""

from __future__ import annotations

from db.engine.claims import ClaimedJob
from jobs.providers.profiles import Profile
from jobs.steps.runtime import Runtime
from jobs.tracking.poll_schedule import Look, Telling, next_look
from statemachine.outcomes import Accepted


def look_at(job: ClaimedJob, elapsed_s: float, profile: Profile, runtime: Runtime) -> Look:
    """Return whether to ask the provider about a running job now, and when it is due again."""
    telling = Telling(
        by_webhook=runtime.public_url is not None,
        in_list=job.listed_at is not None,
        has_told=bool(job.sighting and job.sighting["has_ended"]),
    )
    return _next(job, elapsed_s, profile, telling, runtime)


def first_look_in_s(job: ClaimedJob, accepted: Accepted, profile: Profile, runtime: Runtime) -> float:
    """Return in how many seconds a job that was just accepted is due."""
    telling = Telling(by_webhook=runtime.public_url is not None, in_list=accepted.created_at is not None)
    look = _next(job, 0.0, profile, telling, runtime)
    return accepted.poll_after_s if look.is_due else look.again_in_s


def _next(job: ClaimedJob, elapsed_s: float, profile: Profile, telling: Telling, runtime: Runtime) -> Look:
    usual = runtime.durations.usual(profile, job.duration_s)
    return next_look(runtime.polling, elapsed_s, usual, telling, runtime.watched.state, runtime.rng)
