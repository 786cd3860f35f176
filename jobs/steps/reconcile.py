"""Reconcile: search for a submission whose response was lost, before anything is spent again."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Engine

from db.engine.claims import ClaimedJob
from db.engine.row_changes import AttemptChanged
from db.engine.spending import spend_of
from jobs.providers.provider import ProviderError
from jobs.steps.lost import LostSubmissions
from jobs.steps.price import price_of_attempt
from jobs.steps.result import Work
from statemachine.backoff import JobPolicy
from statemachine.outcomes import OrphanAbsent, OrphanFound, StillUncertain


@dataclass(frozen=True, slots=True)
class ReconcileParts:
    """The collaborators of the reconcile step."""

    engine: Engine
    lost: LostSubmissions
    policy: JobPolicy = field(default_factory=JobPolicy)


def reconcile(job: ClaimedJob, parts: ReconcileParts) -> Work:
    """Adopt the prediction of the current attempt: one that a webhook named, else one of the provider's list."""
    try:
        prediction_id = parts.lost.prediction_of(job)
    except ProviderError as error:
        return Work(job, _uncertain(job, error.failure.detail or "the provider cannot be reached", parts))
    if prediction_id is not None:
        found = AttemptChanged(job.id, job.attempt, "running", prediction_id=prediction_id)
        return Work(job, OrphanFound(prediction_id), (found,))
    if parts.lost.settles_in_s(job) > 0:
        return Work(job, StillUncertain("not in the provider's list yet"))
    return Work(job, OrphanAbsent(), (AttemptChanged(job.id, job.attempt, "absent"),))


def _uncertain(job: ClaimedJob, reason: str, parts: ReconcileParts) -> StillUncertain:
    """Return that nothing is known yet, and whether the job may pay again once the time for searching is over."""
    with parts.engine.connect() as conn:
        spend = spend_of(conn, job.id)
    may_resubmit = spend.affords(price_of_attempt(job), parts.policy.spend_cap_micros)
    return StillUncertain(reason, may_resubmit=may_resubmit)
