"""Reconcile: look for a submission whose outcome was lost, before anything is spent again."""

from __future__ import annotations

from db.claims import ClaimedJob
from db.effects import AttemptChanged
from jobs.providers.provider import ProviderTrouble
from jobs.runtime import Runtime
from jobs.steps.work import Work
from statemachine.outcomes import OrphanAbsent, OrphanFound, StillUncertain


def reconcile(job: ClaimedJob, runtime: Runtime) -> Work:
    """Ask the provider for the prediction that carries the attempt's token."""
    if job.token is None or job.attempt_started_at is None:
        raise LookupError(f"job {job.id} is reconciling without an attempt")
    try:
        prediction_id = runtime.provider.find(job.token, job.attempt_started_at)
    except ProviderTrouble as trouble:
        return Work(job, StillUncertain(trouble.failure.detail or "the provider can not be asked"))
    if prediction_id is not None:
        found = AttemptChanged(job.id, job.attempt, "running", prediction_id=prediction_id)
        return Work(job, OrphanFound(prediction_id), (found,))
    if (job.now - job.attempt_started_at).total_seconds() < runtime.list_settles_after_s:
        return Work(job, StillUncertain("not in the provider's list yet"))
    return Work(job, OrphanAbsent(), (AttemptChanged(job.id, job.attempt, "absent"),))
