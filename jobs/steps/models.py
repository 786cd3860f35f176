"""Which model makes a job: the first configured one that this job has not found gone."""

from __future__ import annotations

from dataclasses import replace

from db.engine.claims import ClaimedJob
from db.records.attempts import unmade_attempts
from jobs.providers import failures
from jobs.providers.choice import NoModel
from jobs.providers.profiles import Profile
from jobs.steps.runtime import Runtime
from statemachine.outcomes import Failure, RetryPolicy

# The next model is tried as soon as that can be recorded.
_NEXT_IN_S = 1.0


def model_for(job: ClaimedJob, runtime: Runtime) -> Profile:
    """Return the model that is to make a job; the preferred one again where all that could are gone. Raises NoModel."""
    return _besides(job, _found_gone(job, runtime) if job.attempt else frozenset(), runtime)


def with_next_model(job: ClaimedJob, failure: Failure, runtime: Runtime) -> Failure:
    """Report a missing model to the operators, and return the failure with a short wait if another can help.

    `job` is as it was submitted. Any other failure is returned as it is.
    """
    if failure.retry_policy is not RetryPolicy.ANOTHER_MODEL or job.model is None:
        return failure
    runtime.gone_models.tell(job.model, failure.detail)
    gone = _found_gone(job, runtime) | {job.model}
    try:
        can_help = _besides(job, gone, runtime).model not in gone
    except NoModel:
        # None is configured any more: the next submission tells the job so.
        can_help = False
    return replace(failure, retry_after_s=_NEXT_IN_S) if can_help else failure


def _besides(job: ClaimedJob, gone: frozenset[str], runtime: Runtime) -> Profile:
    return runtime.models.profile_for(job.kind, job.tier, job.duration_s, gone)


def _found_gone(job: ClaimedJob, runtime: Runtime) -> frozenset[str]:
    """The models that were gone when this job was submitted to them."""
    with runtime.engine.connect() as conn:
        unmade = unmade_attempts(conn, job.id)
    return frozenset(model for model, detail in unmade if failures.tells_of_gone_model(detail))
