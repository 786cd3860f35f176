"""The enums. Those of the state machine are its own; clients must expect that values are added."""

from __future__ import annotations

from enum import StrEnum

from db.records.jobs import JobOrder
from schema.enum_values import describe
from schema.types import account_descriptions as account_words
from schema.types import enum_descriptions as words
from statemachine.vocabulary import (
    ActivityType,
    AssetKind,
    AssetState,
    AttemptStatus,
    AuditAction,
    BreakerCause,
    BreakerState,
    CompensationKind,
    CompensationState,
    CreditBucket,
    CreditEntryKind,
    DeletionSubject,
    ErrorCode,
    Event,
    Interval,
    KeyMode,
    KeyScope,
    Kind,
    OnFailure,
    RedriveState,
    Role,
    State,
    StatementInterval,
    Step,
    Tier,
    UsageLimitName,
    UsageLimitOwner,
    WaitKind,
    WebhookDisabledReason,
    WebhookEndpointState,
    WebhookEventType,
    WebhookFailure,
)

__all__ = [
    "ActivityType",
    "AnimationStyle",
    "ApiKeyMode",
    "ApiKeyScope",
    "AssetKind",
    "AssetState",
    "AttemptStatus",
    "AuditAction",
    "BreakerCause",
    "BreakerState",
    "CameraMove",
    "CompensationKind",
    "CompensationState",
    "CreditBucket",
    "CreditEntryKind",
    "DeletionSubject",
    "GenerationKind",
    "Interval",
    "JobErrorCode",
    "JobEventName",
    "JobOrder",
    "JobState",
    "OnFailure",
    "PipelineStep",
    "RedriveState",
    "Role",
    "StatementInterval",
    "Tier",
    "UsageLimitName",
    "UsageLimitOwner",
    "WaitKind",
    "WebhookDisabledReason",
    "WebhookEndpointState",
    "WebhookEventType",
    "WebhookFailure",
]

# The state machine's own enums, so each list exists once; Strawberry marks them in place.
JobState = State
GenerationKind = Kind
ApiKeyMode = KeyMode
ApiKeyScope = KeyScope
JobEventName = Event
JobErrorCode = ErrorCode
PipelineStep = Step
describe(State, "The current state of a job.", words.STATES, name="JobState")
describe(Kind, "The kind of output that a job makes.", words.KINDS, name="GenerationKind")
describe(Event, "The events of a job.", words.EVENTS, name="JobEventName")
describe(ErrorCode, "Why a job failed or was canceled.", words.ERROR_CODES, name="JobErrorCode")
describe(ActivityType, "What an entry of the activity is about.", account_words.ACTIVITY_TYPES)
describe(OnFailure, "What is undone when a job fails.", words.SCOPES_OF_ROLL_BACK)
describe(AttemptStatus, "The outcome of a submission to the provider.", words.ATTEMPT_STATUSES)
describe(AssetKind, "The content of a file.", account_words.ASSET_KINDS)
describe(AssetState, "The state of a file. Only a ready one can be used.", account_words.ASSET_STATES)
describe(BreakerCause, "The cause for which submissions stopped.", words.BREAKER_CAUSES)
describe(BreakerState, "The breaker's effect on submissions.", words.BREAKER_STATES)
describe(CompensationKind, "A kind of compensating action.", words.COMPENSATION_KINDS)
describe(CompensationState, "The state of a compensating action.", words.COMPENSATION_STATES)
describe(
    CreditBucket,
    "The buckets of a wallet. Every credit in the others came from `ISSUED`.",
    account_words.CREDIT_BUCKETS,
)
describe(CreditEntryKind, "The kind of a ledger entry.", account_words.CREDIT_ENTRY_KINDS)
describe(DeletionSubject, "The thing that a deletion removes.", account_words.DELETION_SUBJECTS)
describe(PipelineStep, "A step of the pipeline.", words.STEPS, name="PipelineStep")
describe(
    KeyScope,
    "What an API key may change. Every key reads what belongs to its account.",
    account_words.KEY_SCOPES,
    name="ApiKeyScope",
)
describe(KeyMode, "Whether a key works with the models or with a stand-in.", account_words.KEY_MODES, name="ApiKeyMode")
describe(AuditAction, "A change by support.", account_words.AUDIT_ACTIONS)
describe(RedriveState, "The state of a redrive.", account_words.REDRIVE_STATES)
describe(Interval, "The length of an interval of statistics.", account_words.INTERVALS)
describe(Role, "The kind of caller.", account_words.ROLES)
describe(Tier, "The tier of a caller, which decides what it may request.", account_words.TIERS)
describe(UsageLimitName, "A thing of which an owner may have, or do, only so much.", account_words.USAGE_LIMIT_NAMES)
describe(UsageLimitOwner, "Whose use is limited.", account_words.USAGE_LIMIT_OWNERS)
describe(
    StatementInterval,
    "The length of an interval of a statement, in UTC.",
    {
        StatementInterval.HOUR: "An hour.",
        StatementInterval.DAY: "A day, from midnight to midnight.",
        StatementInterval.MONTH: "A month of the calendar.",
    },
)
describe(WaitKind, "What a job is waiting for right now.", words.WAIT_KINDS)
describe(JobOrder, "The order of a list of jobs.", words.JOB_ORDERS)
describe(WebhookEventType, "The events that a webhook endpoint can receive.", words.WEBHOOK_EVENT_TYPES)
describe(WebhookEndpointState, "The state of a webhook endpoint.", words.WEBHOOK_ENDPOINT_STATES)
describe(WebhookDisabledReason, "Why a webhook endpoint is disabled.", words.WEBHOOK_DISABLED_REASONS)
describe(WebhookFailure, "Why the delivery of a webhook failed.", words.WEBHOOK_FAILURES)


class AnimationStyle(StrEnum):
    """The movements of the figure that a caller can choose."""

    WALK_FORWARD = "walk_forward"
    WAVE = "wave"
    LOOK_AROUND = "look_around"
    IDLE = "idle"


describe(
    AnimationStyle,
    "The movement of the figure in an animation.",
    {
        AnimationStyle.WALK_FORWARD: "It walks toward the camera.",
        AnimationStyle.WAVE: "It stays in place, waves one hand and smiles.",
        AnimationStyle.LOOK_AROUND: "It stays in place and turns its head to the left, then to the right.",
        AnimationStyle.IDLE: "It stands still and breathes.",
    },
)


class CameraMove(StrEnum):
    """The movements of the camera that a caller can choose."""

    GENTLE_PAN = "gentle_pan"
    STATIC = "static"
    PUSH_IN = "push_in"
    PULL_OUT = "pull_out"


describe(
    CameraMove,
    "The movement of the camera in an animation.",
    {
        CameraMove.GENTLE_PAN: "It pans to the right.",
        CameraMove.STATIC: "It does not move.",
        CameraMove.PUSH_IN: "It moves toward the figure.",
        CameraMove.PULL_OUT: "It moves away from the figure.",
    },
)


class PictureFormat(StrEnum):
    """The format in which a caller wants a picture."""

    ORIGINAL = "original"
    WEBP = "webp"


describe(
    PictureFormat,
    "The format of a picture.",
    {
        PictureFormat.ORIGINAL: "As it was stored: an avatar or a scene is a PNG, without loss.",
        PictureFormat.WEBP: "A WebP, which has a fraction of the bytes and hardly a visible difference.",
    },
)
