"""The enums. Those of the state machine are its own; clients must expect that values are added."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from db.records.jobs import JobOrder
from statemachine.vocabulary import (
    AssetKind,
    AssetState,
    AttemptStatus,
    BreakerCause,
    BreakerState,
    CompensationKind,
    CompensationState,
    CreditBucket,
    CreditEntryKind,
    DeletionSubject,
    ErrorCode,
    Event,
    Kind,
    OnFailure,
    Role,
    State,
    Step,
    Tier,
    WaitKind,
)

__all__ = [
    "AnimationStyle",
    "AssetKind",
    "AssetState",
    "AttemptStatus",
    "BreakerCause",
    "BreakerState",
    "CameraMove",
    "CompensationKind",
    "CompensationState",
    "CreditBucket",
    "CreditEntryKind",
    "DeletionSubject",
    "GenerationKind",
    "JobErrorCode",
    "JobEventName",
    "JobOrder",
    "JobState",
    "OnFailure",
    "PipelineStep",
    "Role",
    "Tier",
    "WaitKind",
]

# The state machine's own enums, so each list exists once; Strawberry marks them in place.
JobState = State
GenerationKind = Kind
JobEventName = Event
JobErrorCode = ErrorCode
PipelineStep = Step
strawberry.enum(State, name="JobState", description="The current state of a job.")
strawberry.enum(Kind, name="GenerationKind", description="What a job makes.")
strawberry.enum(Event, name="JobEventName", description="The events of a job.")
strawberry.enum(ErrorCode, name="JobErrorCode", description="Why a job failed or was canceled.")
strawberry.enum(OnFailure, description="What happens to the parent of a job when the job fails.")
strawberry.enum(AttemptStatus, description="The outcome of a submission to the provider.")
strawberry.enum(AssetKind, description="The content of a file.")
strawberry.enum(AssetState, description="The state of a file. Only a ready one can be used.")
strawberry.enum(BreakerCause, description="The cause for which submissions stopped.")
strawberry.enum(BreakerState, description="The state of the breaker. Half-open, it admits one submission as a probe.")
strawberry.enum(CompensationKind, description="A kind of compensating action.")
strawberry.enum(
    CompensationState, description="The state of a compensating action. One that failed for good needs review."
)
strawberry.enum(CreditBucket, description="The buckets of a wallet. Every credit in the others came from `ISSUED`.")
strawberry.enum(CreditEntryKind, description="The kind of a ledger entry.")
strawberry.enum(PipelineStep, name="PipelineStep", description="A step of the pipeline.")
strawberry.enum(Role, description="The kind of caller.")
strawberry.enum(Tier, description="The tier of a session, which decides what it may request.")
strawberry.enum(
    WaitKind,
    description="What a job is waiting for right now. `PARENT`: the job whose output it uses. `PAUSED`: a step that "
    "support has paused. `QUEUE`: a free worker, or other jobs. `ACCOUNT_LIMIT`: its account's limit of jobs at the "
    "provider. `BACK_OFF`: the delay before a retry. `PROVIDER`: the provider, which is working on it. "
    "`PROVIDER_BUDGET`: the provider's rate limit. `PROVIDER_UNAVAILABLE`: the provider, which is busy or failing. "
    "`RECONCILING`: the search for a lost submission. `OPERATOR`: an operator, who must fix a fault.",
)
strawberry.enum(JobOrder, description="The order of a list of jobs.")


@strawberry.enum(description="The movement of the figure in an animation.")
class AnimationStyle(StrEnum):
    WALK_FORWARD = "walk_forward"
    WAVE = "wave"
    LOOK_AROUND = "look_around"
    IDLE = "idle"


@strawberry.enum(description="The movement of the camera in an animation.")
class CameraMove(StrEnum):
    GENTLE_PAN = "gentle_pan"
    STATIC = "static"
    PUSH_IN = "push_in"
    PULL_OUT = "pull_out"


@strawberry.enum(
    description="The format of a picture: as it was stored (an avatar or a scene is a PNG, without loss), or a WebP, "
    "which has a fraction of the bytes and hardly a visible difference."
)
class PictureFormat(StrEnum):
    """The format in which a caller wants a picture."""

    ORIGINAL = "original"
    WEBP = "webp"
