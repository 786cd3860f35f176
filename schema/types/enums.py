"""The enums. Those of the state machine are its own; clients must expect that values are added."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from db.records.jobs import JobOrder
from statemachine.vocabulary import AttemptStatus, ErrorCode, Event, Kind, OnFailure, State

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

# The state machine's own enums, so each list exists once; Strawberry marks them in place.
JobState = State
GenerationKind = Kind
JobEventName = Event
JobErrorCode = ErrorCode
strawberry.enum(State, name="JobState", description="The current state of a job.")
strawberry.enum(Kind, name="GenerationKind", description="What a job makes.")
strawberry.enum(Event, name="JobEventName", description="The events of a job.")
strawberry.enum(ErrorCode, name="JobErrorCode", description="Why a job failed.")
strawberry.enum(OnFailure, description="What happens to the parent of a job when the job fails.")
strawberry.enum(AttemptStatus, description="The outcome of a submission to the provider.")
strawberry.enum(JobOrder, description="The order of a list of jobs.")


@strawberry.enum(description="The tier of a session, which decides what it may request.")
class Tier(StrEnum):
    FREE = "free"
    PAID = "paid"


@strawberry.enum(description="The content of a file.")
class AssetKind(StrEnum):
    SELFIE = "selfie"
    AVATAR = "avatar"
    SCENE = "scene"
    VIDEO = "video"
    POSTER = "poster"


@strawberry.enum(description="The state of a file. Only a ready one can be used.")
class AssetState(StrEnum):
    PENDING = "pending"
    READY = "ready"
    REJECTED = "rejected"
    DELETED = "deleted"


@strawberry.enum(description="The caller.")
class Role(StrEnum):
    PARTNER = "partner"
    SUPPORT = "support"
    SESSION = "session"


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
    description="The reason a job is waiting right now: its parent; a step that support has paused; other jobs, or a "
    "free worker; its account's limit; the delay before a retry; the provider at work; the provider busy or failing; "
    "the search for a lost submission; a fault that an operator must fix."
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
