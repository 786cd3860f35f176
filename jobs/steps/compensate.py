"""Compensate: undo what a job has left behind, at the provider and in our storage."""

from __future__ import annotations

from storage.keys import job_prefix

from db.claims import ClaimedJob
from db.effects import AttemptChanged
from jobs.providers.provider import ProviderTrouble
from jobs.runtime import Runtime
from jobs.steps.trouble import storage_failure
from jobs.steps.work import Work
from statemachine.outcomes import StepFailed, Undone
from storage import StorageError


def compensate(job: ClaimedJob, runtime: Runtime) -> Work:
    """Cancel the current attempt's prediction and delete the job's objects. Each may be done twice."""
    effects: tuple[AttemptChanged, ...] = ()
    try:
        if job.prediction_id is not None and not job.output_urls:
            runtime.provider.cancel(job.prediction_id)
            effects = (AttemptChanged(job.id, job.attempt, "canceled"),)
        runtime.store.delete(found.key for found in runtime.store.list(job_prefix(job.id)))
    except ProviderTrouble as trouble:
        return Work(job, StepFailed(trouble.failure))
    except StorageError as error:
        return Work(job, StepFailed(storage_failure(error)))
    return Work(job, Undone(), effects)
