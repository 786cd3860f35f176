"""Failures of our own parts, in the words that decisions are made from."""

from __future__ import annotations

from jobs.redaction import redacted
from statemachine.outcomes import Failure, RetryPolicy
from statemachine.vocabulary import ErrorCode

_MESSAGE = "Something went wrong on our side. We keep trying."


def storage_failure(error: Exception) -> Failure:
    """Return what trouble with the object store means: wait for it, for as long as the job's deadline allows."""
    return Failure(ErrorCode.INTERNAL, _MESSAGE, RetryPolicy.WAIT, _told(error), retry_after_s=5.0)


def surprise(error: Exception) -> Failure:
    """Return what an exception that says nothing of the job means: a few tries of the step, then it is given up."""
    message = "Something went wrong on our side. Please try again later."
    return Failure(ErrorCode.INTERNAL, message, RetryPolicy.RETRY, _told(error))


def _told(error: Exception) -> str:
    """Return an exception's name and words. Those of libraries may repeat an address that is signed."""
    return redacted(f"{type(error).__name__}: {error}")
