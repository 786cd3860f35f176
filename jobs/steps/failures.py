"""Failures of our own parts, in the words that decisions are made from."""

from __future__ import annotations

from jobs.redaction import redacted
from statemachine.outcomes import Failure, RetryPolicy
from statemachine.vocabulary import ErrorCode

_MESSAGE = "Something went wrong on our side. We keep trying."


def storage_failure(error: Exception) -> Failure:
    """Return the failure for an error of the object store: wait, for as long as the job's deadline allows."""
    return Failure(ErrorCode.INTERNAL, _MESSAGE, RetryPolicy.WAIT, _described(error), retry_after_s=5.0)


def surprise(error: Exception) -> Failure:
    """Return the failure for an exception that says nothing of the job: retry the step a few times, then give up."""
    message = "Something went wrong on our side. Please try again later."
    return Failure(ErrorCode.INTERNAL, message, RetryPolicy.RETRY, _described(error))


def _described(error: Exception) -> str:
    """Return an exception's name and words. Those of libraries may repeat an address that is signed."""
    return redacted(f"{type(error).__name__}: {error}")
