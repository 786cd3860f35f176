"""Outcomes of steps, as values. Exceptions are for surprises.

A step never decides the meaning of its outcome for the job; `decisions.decide` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from statemachine.vocabulary import ErrorCode


class RetryPolicy(StrEnum):
    """The reaction to a failure: retry, wait, or give up."""

    RETRY = "retry"  # transient: the same again after a short back-off
    WAIT = "wait"  # the provider asks for a delay: again later, and no attempt is used up
    OPERATOR = "operator"  # an account or a setting is wrong: wait, and notify a person
    ANOTHER_MODEL = "another_model"  # the model is gone: the next one that is configured, or a person names one
    NEVER = "never"  # final for this input


@dataclass(frozen=True, slots=True)
class Failure:
    """Something went wrong.

    `message` is for the end user: what happened and what they can do. `detail` is for support: the provider's own
    message with secrets removed. `retry_after_s` is the delay that the other side requested, or None. `status` is that
    of the HTTP response, or None. `final_message` replaces `message` where the job ends with the failure, None where it
    is the same. `retries_max` is the number of failures in a row after which it is final, None for the usual number.
    """

    code: ErrorCode
    message: str
    retry_policy: RetryPolicy
    detail: str | None = None
    retry_after_s: float | None = None
    status: int | None = None
    final_message: str | None = None
    retries_max: int | None = None

    @property
    def waits_for_a_person(self) -> bool:
        """Return True if the job is not at fault and only a person can fix the cause."""
        return self.retry_policy in (RetryPolicy.OPERATOR, RetryPolicy.ANOTHER_MODEL)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider accepted the job and works on it under `prediction_id`; poll again in `poll_after_s`.

    `created_at` is the time of that by the provider's own clock, None where it does not say.
    """

    prediction_id: str
    poll_after_s: float
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider provably did not accept the job, for a transient reason."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Rejected:
    """The job can never be submitted as it is."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class OutcomeLost:
    """The provider may have accepted the job: its response, or the worker that waited for it, is lost."""

    reason: str


@dataclass(frozen=True, slots=True)
class OrphanFound:
    """The lost submission exists at the provider under `prediction_id`."""

    prediction_id: str


@dataclass(frozen=True, slots=True)
class OrphanAbsent:
    """The lost submission provably never reached the provider."""


@dataclass(frozen=True, slots=True)
class StillUncertain:
    """The provider could not say yet whether the lost submission exists.

    `may_resubmit` is whether the job could pay once more without going over its spend cap.
    """

    reason: str
    may_resubmit: bool = False


@dataclass(frozen=True, slots=True)
class StillRunning:
    """The provider is working; `percent` of the whole job is done; poll again in `poll_after_s`."""

    percent: int
    poll_after_s: float


@dataclass(frozen=True, slots=True)
class OutputReady:
    """The provider finished. `urls` are its outputs, which vanish an hour later; `cost_micros` is its charge."""

    urls: tuple[str, ...]
    cost_micros: int


@dataclass(frozen=True, slots=True)
class GenerationFailed:
    """The provider accepted the job and failed it; `cost_micros` is its charge nevertheless."""

    failure: Failure
    cost_micros: int = 0


@dataclass(frozen=True, slots=True)
class StepDone:
    """The step of a finishing state is done: the job goes on to the next state, as `transitions.FINISHING` says."""


@dataclass(frozen=True, slots=True)
class OutputGone:
    """The provider's output can no longer be fetched."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class OutputInvalid:
    """The provider's output is not as requested: unreadable, of the wrong kind, cut off."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Undone:
    """Every compensating action is done or needs review."""


@dataclass(frozen=True, slots=True)
class StepFailed:
    """The step itself failed; the job stays in its state and the step runs again."""

    failure: Failure


FailedOutcome = Refused | Rejected | GenerationFailed | OutputGone | OutputInvalid | StepFailed
Outcome = (
    FailedOutcome
    | Accepted
    | OutcomeLost
    | OrphanFound
    | OrphanAbsent
    | StillUncertain
    | StillRunning
    | OutputReady
    | StepDone
    | Undone
)
