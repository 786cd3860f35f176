"""The requests that the machine makes: single jobs, stories, and batches that start from an earlier job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from jobs.identity import Principal
from jobs.requesting.batches import create_batch
from jobs.requesting.creation import create_avatar, create_scene, create_story
from jobs.requesting.idempotency import Made
from jobs.requesting.requests import (
    AnimationOptions,
    AvatarRequest,
    BatchRequest,
    BatchScene,
    RequestOptions,
    SceneOptions,
    SceneRequest,
    StoryRequest,
    StoryScene,
    StoryScenes,
)
from statemachine.vocabulary import OnFailure, State

# Arguments: the caller, the idempotency key, the selfie, and the account's avatar jobs so far with their states.
Request = Callable[[Connection, Principal, str, UUID, Sequence[tuple[UUID, State]]], list[Made]]

_ENDED_BADLY = (State.COMPENSATING, State.FAILED, State.CANCELED)


def avatar(conn: Connection, caller: Principal, key: str, selfie_id: UUID, _: object) -> list[Made]:
    """Request an avatar."""
    return [create_avatar(conn, caller, AvatarRequest(RequestOptions(key), selfie_id))]


def story(conn: Connection, caller: Principal, key: str, selfie_id: UUID, _: object) -> list[Made]:
    """Request an avatar, a scene and a video; if one fails, all are undone."""
    options = RequestOptions(key, OnFailure.ROLL_BACK_STORY)
    request = StoryRequest(options, selfie_id, StoryScenes.of_one(SceneOptions("neon-city"), AnimationOptions()))
    return [create_story(conn, caller, request)]


def story_of_scenes(conn: Connection, caller: Principal, key: str, selfie_id: UUID, _: object) -> list[Made]:
    """Request two scenes with one avatar, and two videos of the first; a failed job takes what only it was made of."""
    first, second = (SceneOptions(theme) for theme in ("neon-city", "moon-base"))
    content = StoryScenes((StoryScene(first, (AnimationOptions(), AnimationOptions("wave"))), StoryScene(second)))
    return [create_story(conn, caller, StoryRequest(RequestOptions(key), selfie_id, content))]


def story_without_video(conn: Connection, caller: Principal, key: str, selfie_id: UUID, _: object) -> list[Made]:
    """Request an avatar and a scene; the avatar is kept if the scene fails."""
    request = StoryRequest(
        RequestOptions(key, OnFailure.KEEP), selfie_id, StoryScenes.of_one(SceneOptions("neon-city"))
    )
    return [create_story(conn, caller, request)]


def scene(conn: Connection, caller: Principal, key: str, _: UUID, jobs: Sequence[tuple[UUID, State]]) -> list[Made]:
    """Request a scene of the first usable avatar, which is then needed by more than its own story."""
    parent = _usable(jobs)
    request = SceneRequest(RequestOptions(key), SceneOptions("neon-city"), avatar_job_id=parent)
    return [create_scene(conn, caller, request)] if parent else []


def batch(conn: Connection, caller: Principal, key: str, _: UUID, jobs: Sequence[tuple[UUID, State]]) -> list[Made]:
    """Request two scenes of the first usable avatar, both or none."""
    parent = _usable(jobs)
    scenes = tuple(BatchScene(SceneOptions(theme), avatar_job_id=parent) for theme in ("neon-city", "moon-base"))
    return [create_batch(conn, caller, BatchRequest(RequestOptions(key), scenes=scenes))] if parent else []


def _usable(jobs: Sequence[tuple[UUID, State]]) -> UUID | None:
    return next((job_id for job_id, state in jobs if state not in _ENDED_BADLY), None)


REQUESTS: tuple[Request, ...] = (avatar, story, story_of_scenes, story_without_video, scene, batch)

# The possible starts of a run: a request, and the state that its first job has reached.
STARTS: tuple[tuple[Request, State], ...] = (
    (avatar, State.GENERATING),
    (avatar, State.TRANSCODING),
    (story, State.STORING),
    (story, State.SUCCEEDED),
    (story_of_scenes, State.SUCCEEDED),
)
