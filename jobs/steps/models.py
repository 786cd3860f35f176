"""The model of a job: the first configured one that this job has not found gone."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field, replace

from sqlalchemy import Engine

from db.engine.claims import ClaimedJob
from db.records.attempts import unmade_attempts
from jobs.providers import failures
from jobs.providers.choice import ModelChoice, NoModel
from jobs.providers.profiles import Profile
from jobs.providers.unavailable_models import UnavailableModels
from statemachine.outcomes import Failure, RetryPolicy

# The next model is tried as soon as that can be recorded.
_NEXT_IN_S = 1.0


@dataclass(frozen=True, slots=True)
class Models:
    """The configured models, and those that jobs found gone."""

    engine: Engine
    choice: ModelChoice = field(default_factory=ModelChoice)
    unavailable: UnavailableModels = field(default_factory=UnavailableModels)

    def gone_in(self, job: ClaimedJob, attempts: int) -> Set[str]:
        """Return the models that were gone in a job's first `attempts` attempts. Reads only if there were any."""
        if attempts <= 0:
            return frozenset()
        with self.engine.connect() as conn:
            unmade = unmade_attempts(conn, job.id)
        return frozenset(model for model, detail in unmade if failures.reports_gone_model(detail))

    def choose(self, job: ClaimedJob, gone: Set[str]) -> Profile:
        """Return the first model that is not gone, or the preferred one again if all are. Raises NoModel."""
        return self.choice.profile_for(job.kind, job.tier, job.duration_s, gone)

    def with_next(self, job: ClaimedJob, failure: Failure, gone: Set[str]) -> Failure:
        """Report a missing model to the operators, and return the failure with a short wait if another can help.

        `job` is as it was submitted, `gone` the models that were gone before. Any other failure is returned as it is.
        """
        if failure.retry_policy is not RetryPolicy.ANOTHER_MODEL or job.model is None:
            return failure
        self.unavailable.add(job.model, failure.detail)
        gone = gone | {job.model}
        try:
            can_help = self.choose(job, gone).model not in gone
        except NoModel:
            # None is configured any more: the next submission reports that.
            can_help = False
        return replace(failure, retry_after_s=_NEXT_IN_S) if can_help else failure
