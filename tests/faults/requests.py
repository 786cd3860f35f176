"""What users request for in the machine: single jobs, stories, and batches that wait for a job of their own."""

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
    SceneRequest,
    StoryRequest,
)
from statemachine.vocabulary import OnFailure, State

# Given: who asks, under which key, the selfie, and the account's avatars so far with their states.
Request = Callable[[Connection, Principal, str, UUID, Sequence[tuple[UUID, State]]], list[Made]]

_ENDED_BADLY = (State.COMPENSATING, State.FAILED, State.CANCELED)


def avatar(conn: Connection, who: Principal, key: str, selfie_id: UUID, _: object) -> list[Made]:
    """One avatar."""
    return [create_avatar(conn, who, AvatarRequest(RequestOptions(key), selfie_id))]


def story(conn: Connection, who: Principal, key: str, selfie_id: UUID, _: object) -> list[Made]:
    """An avatar, a scene and a video, of which a failure takes the rest along."""
    options = RequestOptions(key, OnFailure.ROLL_BACK_PARENT)
    request = StoryRequest(options, selfie_id, "neon-city", animation=AnimationOptions())
    return [create_story(conn, who, request)]


def still_story(conn: Connection, who: Principal, key: str, selfie_id: UUID, _: object) -> list[Made]:
    """An avatar and a scene; what was made stays."""
    request = StoryRequest(RequestOptions(key, OnFailure.KEEP_PARENT), selfie_id, "neon-city")
    return [create_story(conn, who, request)]


def scene(conn: Connection, who: Principal, key: str, _: UUID, jobs: Sequence[tuple[UUID, State]]) -> list[Made]:
    """A scene of the first avatar there is, whoever asked for that: with it, the avatar is of further use."""
    parent = _usable(jobs)
    request = SceneRequest(RequestOptions(key), "neon-city", avatar_job_id=parent)
    return [create_scene(conn, who, request)] if parent else []


def batch(conn: Connection, who: Principal, key: str, _: UUID, jobs: Sequence[tuple[UUID, State]]) -> list[Made]:
    """Two scenes of the first avatar there is, accepted whole or not at all."""
    parent = _usable(jobs)
    scenes = tuple(BatchScene(theme, avatar_job_id=parent) for theme in ("neon-city", "moon-base"))
    return create_batch(conn, who, BatchRequest(RequestOptions(key), scenes)) if parent else []


def _usable(jobs: Sequence[tuple[UUID, State]]) -> UUID | None:
    return next((job_id for job_id, state in jobs if state not in _ENDED_BADLY), None)


REQUESTS: tuple[Request, ...] = (avatar, story, still_story, scene, batch)

# How a run may begin: something asked for, and how far its first job has come.
STARTS: tuple[tuple[Request, State], ...] = (
    (avatar, State.GENERATING),
    (avatar, State.TRANSCODING),
    (story, State.STORING),
    (story, State.SUCCEEDED),
)
