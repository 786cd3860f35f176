"""Lost submissions: finding the prediction of an attempt whose response was lost."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from db.engine.claims import ClaimedJob
from db.engine.spending import lost_submission
from jobs.providers.orphan_search import why_absence_proves_nothing
from jobs.providers.provider import Provider, ProviderError, Sought
from statemachine.outcomes import Failure, RetryPolicy
from statemachine.vocabulary import ErrorCode

# A create that was lost may still be under way: the provider's list is believed only this long after it.
LIST_SETTLES_AFTER_S = 10.0

_UNCERTAIN = "We are making sure that nothing is paid for twice."


@dataclass(frozen=True, slots=True)
class LostSubmissions:
    """The search for lost submissions: in what webhooks reported, then in the provider's list."""

    engine: Engine
    provider: Provider
    list_settles_after_s: float = LIST_SETTLES_AFTER_S

    def prediction_of(self, job: ClaimedJob) -> str | None:
        """Return the prediction of the current attempt, whose response was lost; None if it is not there (yet).

        Raises ProviderError if the provider does not respond, or if a submission that its list does not show may have
        been accepted all the same.
        """
        with self.engine.connect() as conn:
            lost = lost_submission(conn, job.id, job.attempt)
        if lost is None:
            raise LookupError(f"job {job.id} has no attempt to search for")
        if lost.noted_prediction_id is not None:
            return lost.noted_prediction_id
        sought = Sought(lost.token, lost.age, lost.picture_url, lost.is_traceable)
        found = self.provider.find(sought)
        if found is None and (doubt := why_absence_proves_nothing(sought)):
            raise ProviderError(Failure(ErrorCode.SUBMISSION_UNCERTAIN, _UNCERTAIN, RetryPolicy.WAIT, doubt))
        return found

    def settles_in_s(self, job: ClaimedJob) -> float:
        """Return the seconds until the provider's list is believed if it does not show the current attempt.

        Counts up to the time of the claim, which is before the list was read: a page read earlier may have missed what
        the list shows now.
        """
        begun_at = job.attempt_started_at or job.entered_at
        return self.list_settles_after_s - (job.claimed_at - begun_at).total_seconds()
