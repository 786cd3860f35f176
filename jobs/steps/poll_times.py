"""When a running job is looked at, from what is known of it and of those before it."""

from __future__ import annotations

from collections.abc import Callable

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


def first_poll(job: ClaimedJob, profile: Profile, runtime: Runtime) -> Callable[[Accepted], float]:
    """Return a function from an acceptance to the seconds until the first poll.

    Whatever that depends on is read now, before the paid call, so that nothing has to be read before its response is
    recorded.
    """
    usual, watch = runtime.durations.usual(profile, job.duration_s), runtime.watched.state

    def due_in_s(accepted: Accepted) -> float:
        telling = Telling(by_webhook=runtime.public_url is not None, in_list=accepted.created_at is not None)
        look = next_look(runtime.polling, 0.0, usual, telling, watch, runtime.rng)
        return accepted.poll_after_s if look.is_due else look.again_in_s

    return due_in_s


def _next(job: ClaimedJob, elapsed_s: float, profile: Profile, telling: Telling, runtime: Runtime) -> Look:
    usual = runtime.durations.usual(profile, job.duration_s)
    return next_look(runtime.polling, elapsed_s, usual, telling, runtime.watched.state, runtime.rng)
