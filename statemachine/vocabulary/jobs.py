"""Words of jobs: their states, steps, attempts, errors and compensations, and of the provider's limits."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The states: what is true of a job now."""

    WAITING = "waiting"
    QUEUED = "queued"
    SUBMITTING = "submitting"
    RECONCILING = "reconciling"
    GENERATING = "generating"
    STORING = "storing"
    TRANSCODING = "transcoding"
    SUCCEEDED = "succeeded"
    COMPENSATING = "compensating"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_terminal(self) -> bool:
        """Return True if the job has ended: nothing is due, only a redrive or a roll-back moves it again."""
        return self in TERMINAL


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELED})


class Event(StrEnum):
    """The events: what happened to a job."""

    REQUESTED = "requested"
    PARENT_READY = "parent_ready"
    PARENT_FAILED = "parent_failed"
    SUBMIT_STARTED = "submit_started"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    REJECTED = "rejected"
    OUTCOME_LOST = "outcome_lost"
    ORPHAN_FOUND = "orphan_found"
    ORPHAN_ABSENT = "orphan_absent"
    GAVE_UP = "gave_up"
    STILL_RUNNING = "still_running"
    POSTPONED = "postponed"
    OUTPUT_READY = "output_ready"
    GENERATION_FAILED = "generation_failed"
    STORED = "stored"
    OUTPUT_GONE = "output_gone"
    TRANSCODED = "transcoded"
    OUTPUT_INVALID = "output_invalid"
    CANCEL_REQUESTED = "cancel_requested"
    CANCEL_EXECUTED = "cancel_executed"
    DEADLINE_PASSED = "deadline_passed"
    UNDONE = "undone"
    REDRIVEN = "redriven"
    ROLLED_BACK = "rolled_back"
    UNDO_RETRIED = "undo_retried"


class Actor(StrEnum):
    """The authors of events. A member of support is named after a colon: `support:mo`."""

    WORKER = "worker"
    API = "api"
    SUPPORT = "support"


class Step(StrEnum):
    """The queues: one actor each. `steps.STEP_SPECS` has the facts of each."""

    SUBMIT = "submit"
    POLL = "poll"
    STORE = "store"
    TRANSCODE = "transcode"
    COMPENSATE = "compensate"


class Kind(StrEnum):
    """The kinds of generation."""

    AVATAR = "avatar"
    SCENE = "scene"
    ANIMATION = "animation"


class OnFailure(StrEnum):
    """The extent of the roll-back when a job fails, in what the same story made before it."""

    KEEP = "keep"
    ROLL_BACK_PARENT = "roll_back_parent"
    ROLL_BACK_STORY = "roll_back_story"


class ErrorCode(StrEnum):
    """The reasons why a job failed, in words that an end user's program can act on."""

    CONTENT_REJECTED = "content_rejected"
    INPUT_INVALID = "input_invalid"
    INPUT_UNREADABLE = "input_unreadable"
    INPUT_EXPIRED = "input_expired"
    PROVIDER_REJECTED = "provider_rejected"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_TIMEOUT = "provider_timeout"
    PROVIDER_ACCOUNT = "provider_account"
    OUTPUT_EXPIRED = "output_expired"
    OUTPUT_INVALID = "output_invalid"
    SUBMISSION_UNCERTAIN = "submission_uncertain"
    PARENT_FAILED = "parent_failed"
    ROLLED_BACK = "rolled_back"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CANCELED = "canceled"
    INTERNAL = "internal"

    @property
    def is_retryable(self) -> bool:
        """Return True if the same request, made again, has a fair chance. Each code is in one of the two lists.

        A consequence of what happened to another job has none: the retry of that job revives this one with it.
        """
        match self:
            case (
                ErrorCode.PROVIDER_UNAVAILABLE
                | ErrorCode.PROVIDER_TIMEOUT
                | ErrorCode.PROVIDER_ACCOUNT
                | ErrorCode.OUTPUT_EXPIRED
                | ErrorCode.OUTPUT_INVALID
                | ErrorCode.SUBMISSION_UNCERTAIN
                | ErrorCode.DEADLINE_EXCEEDED
                | ErrorCode.CANCELED
                | ErrorCode.INTERNAL
            ):
                return True
            case (
                ErrorCode.CONTENT_REJECTED
                | ErrorCode.INPUT_INVALID
                | ErrorCode.INPUT_UNREADABLE
                | ErrorCode.INPUT_EXPIRED
                | ErrorCode.PROVIDER_REJECTED
                | ErrorCode.PARENT_FAILED
                | ErrorCode.ROLLED_BACK
            ):
                return False

    @property
    def invalidates_output(self) -> bool:
        """Return True if the job has no output that can be used after this error. Each code is in one of the two lists.

        A redrive then pays for another output. After the other errors it resumes from what there is.
        """
        match self:
            case (
                ErrorCode.CONTENT_REJECTED | ErrorCode.OUTPUT_EXPIRED | ErrorCode.OUTPUT_INVALID | ErrorCode.ROLLED_BACK
            ):
                return True
            case (
                ErrorCode.INPUT_INVALID
                | ErrorCode.INPUT_UNREADABLE
                | ErrorCode.INPUT_EXPIRED
                | ErrorCode.PROVIDER_REJECTED
                | ErrorCode.PROVIDER_UNAVAILABLE
                | ErrorCode.PROVIDER_TIMEOUT
                | ErrorCode.PROVIDER_ACCOUNT
                | ErrorCode.SUBMISSION_UNCERTAIN
                | ErrorCode.PARENT_FAILED
                | ErrorCode.DEADLINE_EXCEEDED
                | ErrorCode.CANCELED
                | ErrorCode.INTERNAL
            ):
                return False


class AttemptStatus(StrEnum):
    """The outcome of a submission to the provider."""

    SUBMITTING = "submitting"
    REFUSED = "refused"
    REJECTED = "rejected"
    LOST = "lost"
    ABSENT = "absent"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    DUPLICATE = "duplicate"  # an orphan that the search found after its job had gone on: canceled, and its cost booked


class CompensationKind(StrEnum):
    """A kind of compensating action."""

    CANCEL_PREDICTION = "cancel_prediction"
    DELETE_OBJECTS = "delete_objects"
    RETURN_CREDITS = "return_credits"
    ROLL_BACK_PARENT = "roll_back_parent"


class CompensationState(StrEnum):
    """The state of a compensating action. One that failed too often needs review."""

    PENDING = "pending"
    DONE = "done"
    NEEDS_REVIEW = "needs_review"
    WAIVED = "waived"


class WaitKind(StrEnum):
    """The reason nothing is happening to a job right now. Derived when a job is read, never stored."""

    PARENT = "parent"
    PAUSED = "paused"
    QUEUE = "queue"
    ACCOUNT_LIMIT = "account_limit"
    BACK_OFF = "back_off"
    PROVIDER = "provider"
    PROVIDER_BUDGET = "provider_budget"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    RECONCILING = "reconciling"
    OPERATOR = "operator"


class BreakerState(StrEnum):
    """The breaker's effect on submissions."""

    CLOSED = "closed"  # all are admitted
    OPEN = "open"  # none is admitted until a certain time
    HALF_OPEN = "half_open"  # one is admitted, and the others wait for its result


class BreakerCause(StrEnum):
    """The cause of an opening."""

    OUTAGE = "outage"  # the provider fails, does not respond or refuses every call
    ACCOUNT = "account"  # the provider's account needs a person: a wrong token, no credit


class ProviderCall(StrEnum):
    """The calls to the provider that have a budget each."""

    CREATE = "create"
    READ = "read"


class WebhookEffect(StrEnum):
    """The effect of a webhook from the provider."""

    DUE = "due"
    NOTED = "noted"
    LATE = "late"
    FOREIGN = "foreign"
    NONE = "none"
