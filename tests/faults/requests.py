"""What users request for in the machine: single jobs, stories, and batches that wait for a job of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from jobs.identity import Principal
from jobs.requesting.batches import SceneWanted, create_batch
from jobs.requesting.requests import AnimationOptions, Made, Terms, create_avatar, create_scene, create_story
from statemachine.states import OnFailure, State

# Given: who asks, under which key, the selfie, and the account's avatars so far with their states.
Request = Callable[[Connection, Principal, str, UUID, Sequence[tuple[UUID, State]]], list[Made]]

_ENDED_BADLY = (State.COMPENSATING, State.FAILED, State.CANCELED)


def avatar(conn: Connection, who: Principal, key: str, selfie_id: UUID, _: object) -> list[Made]:
    """One avatar."""
    return [create_avatar(conn, who, Terms(key), selfie_id=selfie_id)]


def story(conn: Connection, who: Principal, key: str, selfie_id: UUID, _: object) -> list[Made]:
    """An avatar, a scene and a video, of which a failure takes the rest along."""
    terms = Terms(key, OnFailure.ROLL_BACK_PARENT)
    made = create_story(conn, who, terms, selfie_id=selfie_id, theme="neon-city", animation=AnimationOptions())
    return [made]


def still_story(conn: Connection, who: Principal, key: str, selfie_id: UUID, _: object) -> list[Made]:
    """An avatar and a scene; what was made stays."""
    terms = Terms(key, OnFailure.KEEP_PARENT)
    return [create_story(conn, who, terms, selfie_id=selfie_id, theme="neon-city", animation=None)]


def scene(conn: Connection, who: Principal, key: str, _: UUID, jobs: Sequence[tuple[UUID, State]]) -> list[Made]:
    """A scene of the first avatar there is, whoever asked for that: with it, the avatar is of further use."""
    parent = _usable(jobs)
    return [create_scene(conn, who, Terms(key), avatar_job_id=parent, theme="neon-city")] if parent else []


def batch(conn: Connection, who: Principal, key: str, _: UUID, jobs: Sequence[tuple[UUID, State]]) -> list[Made]:
    """Two scenes of the first avatar there is, accepted whole or not at all."""
    parent = _usable(jobs)
    wanted = [SceneWanted(None, parent, "neon-city"), SceneWanted(None, parent, "moon-base")]
    return create_batch(conn, who, Terms(key), wanted) if parent else []


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
