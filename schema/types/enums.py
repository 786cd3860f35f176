"""The enums. Those of the state machine are its own; clients must expect that values are added."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from db.records.jobs import JobOrder
from statemachine.vocabulary import ErrorCode, Event, Kind, OnFailure, State

__all__ = [
    "AnimationStyle",
    "AssetKind",
    "AssetState",
    "AttemptStatus",
    "CameraMove",
    "GenerationKind",
    "JobErrorCode",
    "JobEventName",
    "JobOrder",
    "JobState",
    "OnFailure",
    "Role",
    "Tier",
    "WaitKind",
]

# These are the state machine's own, so that there is one list of each; Strawberry marks them in place.
JobState = State
GenerationKind = Kind
JobEventName = Event
JobErrorCode = ErrorCode
strawberry.enum(State, name="JobState", description="What is true of a job now.")
strawberry.enum(Kind, name="GenerationKind", description="What a job makes.")
strawberry.enum(Event, name="JobEventName", description="What happened to a job.")
strawberry.enum(ErrorCode, name="JobErrorCode", description="Why a job failed.")
strawberry.enum(OnFailure, description="What happens to what a job was made from when the job fails.")
strawberry.enum(JobOrder, description="The orders in which jobs are listed.")


@strawberry.enum(description="What a user's session may ask for.")
class Tier(StrEnum):
    FREE = "free"
    PAID = "paid"


@strawberry.enum(description="What a file shows.")
class AssetKind(StrEnum):
    SELFIE = "selfie"
    AVATAR = "avatar"
    SCENE = "scene"
    VIDEO = "video"
    POSTER = "poster"


@strawberry.enum(description="Whether a file can be used.")
class AssetState(StrEnum):
    PENDING = "pending"
    READY = "ready"
    REJECTED = "rejected"
    DELETED = "deleted"


@strawberry.enum(description="Who is asking.")
class Role(StrEnum):
    PARTNER = "partner"
    SUPPORT = "support"
    SESSION = "session"


@strawberry.enum(description="How a figure in an animation moves.")
class AnimationStyle(StrEnum):
    WALK_FORWARD = "walk_forward"
    WAVE = "wave"
    LOOK_AROUND = "look_around"
    IDLE = "idle"


@strawberry.enum(description="How the camera of an animation moves.")
class CameraMove(StrEnum):
    GENTLE_PAN = "gentle_pan"
    STATIC = "static"
    PUSH_IN = "push_in"
    PULL_OUT = "pull_out"


@strawberry.enum(description="What a submission to the provider came to.")
class AttemptStatus(StrEnum):
    SUBMITTING = "submitting"
    REFUSED = "refused"
    REJECTED = "rejected"
    LOST = "lost"
    ABSENT = "absent"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@strawberry.enum(
    description="Why nothing is happening to a job right now: what it is made from; a step that support has paused; "
    "its turn among others, or a worker; its account's limit; the wait after a failure; the provider at work; the "
    "provider busy or out of order; a lost submission that is looked for; something that an operator must put right."
)
class WaitKind(StrEnum):
    PARENT = "parent"
    PAUSED = "paused"
    TURN = "turn"
    ACCOUNT_LIMIT = "account_limit"
    BACK_OFF = "back_off"
    PROVIDER = "provider"
    PROVIDER_BUDGET = "provider_budget"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    RECONCILING = "reconciling"
    OPERATOR = "operator"
