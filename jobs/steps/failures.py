"""Failures of our own parts, in the words that decisions are made from."""

from __future__ import annotations

from dataclasses import replace

from jobs.redaction import redacted
from statemachine.outcomes import Failure, RetryPolicy
from statemachine.vocabulary import ErrorCode
from storage import ObjectAltered, ObjectMissing

INPUT_GONE = Failure(
    ErrorCode.INPUT_EXPIRED,
    "The picture this was to be made from is no longer kept. Please begin again with a new one.",
    RetryPolicy.NEVER,
)
_INPUT_ALTERED = "The picture this was to be made from is damaged. Please begin again with a new one."
_SOURCE_ALTERED = "The result was damaged before it could be finished. Please try again."
_MESSAGE = "Something went wrong on our side. We keep trying."


def storage_failure(error: Exception) -> Failure:
    """Return the failure for an error of the object store or of a full disk: wait until the job's deadline."""
    return Failure(ErrorCode.INTERNAL, _MESSAGE, RetryPolicy.WAIT, _described(error), retry_after_s=5.0)


def input_failure(error: ObjectMissing | ObjectAltered) -> Failure:
    """Return the final failure of a job whose input is gone or has other bytes than its row describes."""
    if isinstance(error, ObjectMissing):
        return replace(INPUT_GONE, detail=_described(error))
    return Failure(ErrorCode.INPUT_UNREADABLE, _INPUT_ALTERED, RetryPolicy.NEVER, _described(error))


def source_altered(error: ObjectAltered) -> Failure:
    """Return the final failure of a job whose source has other bytes than its row describes: it is not paid again."""
    return Failure(ErrorCode.OUTPUT_INVALID, _SOURCE_ALTERED, RetryPolicy.NEVER, _described(error))


def surprise(error: Exception) -> Failure:
    """Return the failure for an exception that says nothing of the job: retry the step a few times, then give up."""
    message = "Something went wrong on our side. Please try again later."
    return Failure(ErrorCode.INTERNAL, message, RetryPolicy.RETRY, _described(error))


def _described(error: Exception) -> str:
    """Return an exception's name and words. Those of libraries may repeat an address that is signed."""
    return redacted(f"{type(error).__name__}: {error}")
