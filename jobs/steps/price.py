"""The provider's price of one attempt."""

from __future__ import annotations

from db.engine.claims import ClaimedJob
from jobs.providers.profiles import Profile, profiles


def price_of_attempt(job: ClaimedJob, profile: Profile | None = None) -> int:
    """Return what an attempt of a job costs, in micro-dollars: of its present model, or of the one to be called.

    The stand-in of test jobs costs nothing.
    """
    model = profile or profiles().get(job.model or "")
    return 0 if job.is_test or model is None else model.price(job.kind, job.duration_s)
