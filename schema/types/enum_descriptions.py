"""The words of the API about each value of the state machine's enums, which themselves know nothing of the API."""

from __future__ import annotations

from db.records.jobs import JobOrder
from statemachine.steps import STEP_SPECS
from statemachine.transitions import FINISHING
from statemachine.vocabulary import (
    AttemptStatus,
    BreakerCause,
    BreakerState,
    CompensationKind,
    CompensationState,
    ErrorCode,
    Event,
    Kind,
    OnFailure,
    State,
    WaitKind,
    WebhookDisabledReason,
    WebhookEndpointState,
    WebhookEventType,
    WebhookFailure,
)

STATES = {each.state: each.description for each in FINISHING} | {
    State.WAITING: "Accepted; the job whose output it uses has not succeeded yet.",
    State.QUEUED: "Waiting to be submitted to the provider.",
    State.SUBMITTING: "The intent to call the provider is recorded, and the outcome of the call is not known yet.",
    State.RECONCILING: "The provider's response was lost: it is searched for before anything is paid for again.",
    State.GENERATING: "The provider has accepted the job and is working on it.",
    State.SUCCEEDED: "It has ended well: `output` can be used. Only a roll-back or a deletion takes it away again.",
    State.COMPENSATING: "It will fail or be canceled, and what it did is being undone first; `error` says why.",
    State.FAILED: "It has ended without a result and costs no credits; `error` says why, and `retryJob` may revive it.",
    State.CANCELED: "It has ended because it was canceled, and costs no credits; `retryJob` may revive it.",
}

KINDS = {
    Kind.AVATAR: "A comic avatar of 1024×1024 pixels, from a selfie.",
    Kind.SCENE: "A picture of 1920×1080 pixels that shows an avatar in a theme.",
    Kind.ANIMATION: "A video of 1920×1080 pixels at 30 frames per second, of 6 or 10 seconds, from a scene.",
}

EVENTS = {each.done: each.done_description for each in FINISHING} | {
    Event.REQUESTED: "It was accepted, and its price is set aside.",
    Event.PARENT_READY: "The job whose output it uses has succeeded.",
    Event.PARENT_FAILED: "The job whose output it uses has failed or was canceled.",
    Event.SUBMIT_STARTED: "The intent to call the provider was recorded; the call follows.",
    Event.ACCEPTED: "The provider accepted it.",
    Event.REFUSED: "The provider provably did not accept it; it is submitted again after a wait.",
    Event.REJECTED: "It cannot be submitted, or the provider declined it for good.",
    Event.OUTCOME_LOST: "The response to the call was lost, so it is unknown if the provider accepted it.",
    Event.ORPHAN_FOUND: "The submission with the lost response was found at the provider, and is used.",
    Event.ORPHAN_ABSENT: "The submission with the lost response provably does not exist; it is submitted again.",
    Event.GAVE_UP: "No retry is left, its workers kept crashing, or a lost submission was not found in time.",
    Event.STILL_RUNNING: "A progress tick: the work goes on, and only `percent` may have changed.",
    Event.POSTPONED: "A step could not be done, and is tried again after a wait.",
    Event.OUTPUT_READY: "The provider has finished, and its output can be fetched.",
    Event.GENERATION_FAILED: "The provider failed to make it; it is submitted again, or ends.",
    Event.OUTPUT_GONE: "The provider no longer has the output; it is made again, or the job ends.",
    Event.OUTPUT_INVALID: "The provider's output cannot be used; it is made again, or the job ends.",
    Event.CANCEL_REQUESTED: "Its cancellation was requested; a submission under way is awaited first.",
    Event.CANCEL_EXECUTED: "A cancellation that waited for the outcome of a submission takes place.",
    Event.DEADLINE_PASSED: "It took too long, as a whole or in one state.",
    Event.UNDONE: "What it did is undone, except for what waits for support's review; it has ended.",
    Event.REDRIVEN: "It was retried, alone or with others, and continues at the first step whose result is missing.",
    Event.ROLLED_BACK: "It had succeeded, and is undone because the job made from it failed.",
    Event.UNDO_RETRIED: "Support has what could not be undone tried again.",
}

ERROR_CODES = {
    ErrorCode.CONTENT_REJECTED: "The content check declined the picture or the text: use another photo or other words.",
    ErrorCode.INPUT_INVALID: (
        "The theme is no longer offered, or is too long together with the details: use another one or fewer words."
    ),
    ErrorCode.INPUT_UNREADABLE: "The provider could not read the picture: upload it again or use another one.",
    ErrorCode.INPUT_EXPIRED: "The picture to start from is no longer kept: make or upload it again.",
    ErrorCode.PROVIDER_REJECTED: "The provider did not accept this request: use another photo or other words.",
    ErrorCode.PROVIDER_UNAVAILABLE: "The provider failed or was too busy: retry later.",
    ErrorCode.PROVIDER_TIMEOUT: "The provider took too long: retry.",
    ErrorCode.PROVIDER_ACCOUNT: "The provider could not be used until an operator acts: retry later.",
    ErrorCode.OUTPUT_EXPIRED: "The provider removed the result before it could be saved: retry.",
    ErrorCode.OUTPUT_INVALID: "The provider returned a result that cannot be used: retry.",
    ErrorCode.SUBMISSION_UNCERTAIN: "It could not be confirmed that the provider accepted the job: retry.",
    ErrorCode.PARENT_FAILED: "The job whose output it uses failed or was canceled: see the error of `parent`.",
    ErrorCode.ROLLED_BACK: "It had succeeded, but was undone because the job made from it failed; see its error.",
    ErrorCode.DEADLINE_EXCEEDED: "It took too long: retry.",
    ErrorCode.CANCELED: "It was canceled on request.",
    ErrorCode.INTERNAL: "Something went wrong on our side: retry later, and contact support if it persists.",
}

SCOPES_OF_ROLL_BACK = {
    OnFailure.KEEP: "Nothing is undone: what was made before stays, and stays charged.",
    OnFailure.ROLL_BACK_PARENT: (
        "What it was made from in the same story is undone and refunded, unless a job that has not failed uses it: "
        "a failed animation takes its scene along, a failed scene its avatar."
    ),
    OnFailure.ROLL_BACK_STORY: (
        "All that the same story made for it is undone and refunded: a failed animation takes its scene and its avatar "
        "along. What another job that has not failed uses stays, and so do the other scenes."
    ),
}

ATTEMPT_STATUSES = {
    AttemptStatus.SUBMITTING: "The call is about to be made, or its response is awaited.",
    AttemptStatus.REFUSED: "The provider provably did not accept it, and the job may be submitted again.",
    AttemptStatus.REJECTED: "The provider declined it for good.",
    AttemptStatus.LOST: "The response was lost, and the submission has not been found yet.",
    AttemptStatus.ABSENT: "The response was lost, and the provider has no such submission.",
    AttemptStatus.RUNNING: "The provider accepted it and has not finished.",
    AttemptStatus.SUCCEEDED: "The provider finished it and returned an output.",
    AttemptStatus.FAILED: "The provider accepted it and failed.",
    AttemptStatus.CANCELED: "It was canceled at the provider, which may still charge for it.",
    AttemptStatus.DUPLICATE: "It was found after its job had gone on without it: canceled, and its cost booked.",
}

BREAKER_CAUSES = {
    BreakerCause.OUTAGE: "The provider fails, does not respond or refuses every call.",
    BreakerCause.ACCOUNT: "The provider's account needs an operator: a wrong token, or no credit.",
}

BREAKER_STATES = {
    BreakerState.CLOSED: "All submissions are admitted.",
    BreakerState.OPEN: "No submission is admitted before `until`.",
    BreakerState.HALF_OPEN: "One submission is admitted as a probe, and the others wait for its result.",
}

COMPENSATION_KINDS = {
    CompensationKind.CANCEL_PREDICTION: "Cancel the job's prediction at the provider.",
    CompensationKind.DELETE_OBJECTS: "Delete the files that the job wrote.",
    CompensationKind.RETURN_CREDITS: "Release or refund the job's credits.",
    CompensationKind.ROLL_BACK_PARENT: "Undo the job's parent in the same story.",
}

COMPENSATION_STATES = {
    CompensationState.PENDING: "It is yet to be done, or tried again.",
    CompensationState.DONE: "It was done; `result` has the outcome.",
    CompensationState.NEEDS_REVIEW: "It failed for good and waits for `reviewCompensation`.",
    CompensationState.WAIVED: "Support decided that it need not be done.",
}

STEPS = {spec.step: spec.description for spec in STEP_SPECS}

WAIT_KINDS = {
    WaitKind.PARENT: "The job whose output it uses.",
    WaitKind.PAUSED: "The end of support's pause of its step.",
    WaitKind.QUEUE: "A free worker, or other jobs that were retried with it and start at a limited rate.",
    WaitKind.ACCOUNT_LIMIT: "The end of another job of its account, which is at its limit of jobs at the provider.",
    WaitKind.BACK_OFF: "The delay before a retry.",
    WaitKind.PROVIDER: "The provider, which is working on it.",
    WaitKind.PROVIDER_BUDGET: "The provider's rate limit.",
    WaitKind.PROVIDER_UNAVAILABLE: "The provider, which is busy or failing.",
    WaitKind.RECONCILING: "The search for a submission whose response was lost.",
    WaitKind.OPERATOR: "An operator, who must fix a fault.",
}

JOB_ORDERS = {
    JobOrder.NEWEST: "By the time of the request, newest first.",
    JobOrder.OLDEST: "By the time of the request, oldest first.",
    JobOrder.RECENTLY_FINISHED: "By the time of the end, latest first; only jobs that have ended.",
}

WEBHOOK_EVENT_TYPES = {
    WebhookEventType.JOB_REQUESTED: "A job was accepted. Messages spell the types with a dot: `job.requested`.",
    WebhookEventType.JOB_PROGRESSED: "A job moved on without ending; several messages a job.",
    WebhookEventType.JOB_SUCCEEDED: "A job ended well, and its output can be used.",
    WebhookEventType.JOB_FAILED: "A job ended without a result.",
    WebhookEventType.JOB_CANCELED: "A job ended because it was canceled.",
    WebhookEventType.STORY_BEGAN: "A story was accepted.",
    WebhookEventType.STORY_SUCCEEDED: "All jobs of a story have ended well.",
    WebhookEventType.STORY_FAILED: "All jobs of a story have ended, and one of them failed.",
    WebhookEventType.STORY_CANCELED: "All jobs of a story have ended, because it was canceled.",
    WebhookEventType.ENDPOINT_DISABLED: "Another endpoint was disabled because it failed for days, or was gone.",
    WebhookEventType.BALANCE_LOW: "The account's own balance has fallen below its mark.",
}

WEBHOOK_ENDPOINT_STATES = {
    WebhookEndpointState.ENABLED: "Messages are delivered as things happen.",
    WebhookEndpointState.FAILING: "The last attempt failed; it is repeated at `nextAttemptAt`, others wait.",
    WebhookEndpointState.DISABLED: "Nothing is delivered until `enableWebhookEndpoint`, then all that was missed.",
}

WEBHOOK_DISABLED_REASONS = {
    WebhookDisabledReason.REQUESTED: "You requested it with `disableWebhookEndpoint`.",
    WebhookDisabledReason.GONE: "It responded with 410 Gone.",
    WebhookDisabledReason.FAILED: "Every attempt of three days failed.",
}

WEBHOOK_FAILURES = {
    WebhookFailure.BAD_STATUS: "It responded with a status other than 2xx, or with a redirect, which is not followed.",
    WebhookFailure.TIMED_OUT: "It did not respond in time.",
    WebhookFailure.UNREACHABLE: "No connection to a permitted address was possible, or it was cut.",
}
