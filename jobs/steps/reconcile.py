"""Reconcile: look for a submission whose outcome was lost, before anything is spent again."""

from __future__ import annotations

from db.engine.claims import ClaimedJob
from db.engine.row_changes import AttemptChanged
from db.engine.spending import lost_submission, spend_of
from jobs.providers.orphan_search import why_absence_proves_nothing
from jobs.providers.profiles import profiles
from jobs.providers.provider import ProviderError, Sought
from jobs.steps.result import Work
from jobs.steps.runtime import Runtime
from statemachine.outcomes import Failure, OrphanAbsent, OrphanFound, RetryPolicy, StillUncertain
from statemachine.vocabulary import ErrorCode

_UNCERTAIN = "We are making sure that nothing is paid for twice."


def reconcile(job: ClaimedJob, runtime: Runtime) -> Work:
    """Adopt the prediction of the current attempt: one that a webhook named, else one of the provider's list."""
    try:
        prediction_id = lost_prediction(job, runtime)
    except ProviderError as error:
        return Work(job, _uncertain(job, error.failure.detail or "the provider cannot be reached", runtime))
    if prediction_id is not None:
        found = AttemptChanged(job.id, job.attempt, "running", prediction_id=prediction_id)
        return Work(job, OrphanFound(prediction_id), (found,))
    if settles_in_s_of(job, runtime) > 0:
        return Work(job, StillUncertain("not in the provider's list yet"))
    return Work(job, OrphanAbsent(), (AttemptChanged(job.id, job.attempt, "absent"),))


def lost_prediction(job: ClaimedJob, runtime: Runtime) -> str | None:
    """Return the prediction of the current attempt, whose outcome was lost; None where it is not there (yet).

    Raises ProviderError where the provider cannot say: it does not respond, or what its list does not show
    may have been taken all the same.
    """
    with runtime.engine.connect() as conn:
        lost = lost_submission(conn, job.id, job.attempt)
    if lost is None:
        raise LookupError(f"job {job.id} is looked for without an attempt")
    if lost.noted_prediction_id is not None:
        return lost.noted_prediction_id
    sought = Sought(lost.token, lost.age, lost.picture_url, lost.is_traceable)
    found = runtime.provider.find(sought)
    if found is None and (doubt := why_absence_proves_nothing(sought)):
        raise ProviderError(Failure(ErrorCode.SUBMISSION_UNCERTAIN, _UNCERTAIN, RetryPolicy.WAIT, doubt))
    return found


def settles_in_s_of(job: ClaimedJob, runtime: Runtime) -> float:
    """Return the seconds until the provider's list is believed where it does not show the current attempt.

    By the time of the claim, which is before the list was read: what is true of the list now was not so of that page.
    """
    begun_at = job.attempt_started_at or job.entered_at
    return runtime.list_settles_after_s - (job.claimed_at - begun_at).total_seconds()


def _uncertain(job: ClaimedJob, reason: str, runtime: Runtime) -> StillUncertain:
    """Say that nothing is known yet, and whether the job may pay again once the time for looking is over."""
    with runtime.engine.connect() as conn:
        spend = spend_of(conn, job.id)
    price = profiles()[job.model or ""].price(job.kind, job.duration_s)
    return StillUncertain(reason, may_resubmit=spend.affords(price, runtime.policy.spend_cap_micros))
