"""Making the jobs of requests: what is in the catalogue, what they work on, what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.records.requests import JobRequest, NewJob, Owner
from jobs.catalogue.catalogue import Catalogue
from jobs.catalogue.prices import price_of
from jobs.identity import Principal
from jobs.requesting.requests import (
    AnimationOptions,
    AnimationRequest,
    AvatarRequest,
    SceneRequest,
    StoryRequest,
    StoryScene,
)
from jobs.requesting.sources import Place, place_after, ready_asset, source_of_animation, source_of_scene
from statemachine.vocabulary import Kind


def owner_of(caller: Principal) -> Owner:
    """Return the owner of what this caller makes."""
    session_id = caller.filed_under.id if caller.filed_under else None
    return Owner(caller.account_id, session_id, caller.request_id, is_test=caller.is_test)


class JobMaker:
    """Makes the jobs that requests of one transaction need. Each source is locked and read once.

    Its methods raise NotFound, NotReady or InputExpired for what a job cannot begin with, and Unavailable for what the
    catalogue does not offer at present.
    """

    def __init__(self, conn: Connection, caller: Principal, catalogue: Catalogue) -> None:
        self._caller, self._catalogue = caller, catalogue
        self._place_of = cache(partial(place_after, conn, caller))
        self._selfie = cache(partial(ready_asset, conn, caller, kind="selfie", argument="selfieId"))

    def avatar(self, job_id: UUID, request: AvatarRequest) -> NewJob:
        """Return the job of an avatar."""
        self._check_makeable(Kind.AVATAR)
        selfie = self._selfie(request.selfie_id)
        return NewJob(job_id, self._request(request, Kind.AVATAR, input_id=selfie.id))

    def scene(self, job_id: UUID, request: SceneRequest) -> NewJob:
        """Return the job of a scene."""
        self._check_makeable(Kind.SCENE)
        place = self._place_of(source_of_scene(request))
        scene = self._request(request, Kind.SCENE, input_id=request.avatar_asset_id, **asdict(request.scene))
        return _placed(job_id, scene, place)

    def animation(self, job_id: UUID, request: AnimationRequest) -> NewJob:
        """Return the job of an animation."""
        self._check_length(request.animation, "options")
        place = self._place_of(source_of_animation(request))
        video = self._request(request, Kind.ANIMATION, input_id=request.scene_asset_id, **asdict(request.animation))
        return _placed(job_id, video, place)

    def story(self, story_id: UUID, ids: Iterator[UUID], request: StoryRequest) -> list[NewJob]:
        """Return the jobs of a story: its avatar, and after it each scene with its videos.

        `ids` ascend, so that parents come before children.
        """
        self._check_makeable(Kind.AVATAR)
        self._check_makeable(Kind.SCENE)
        for path, animation in request.content.placed_animations():
            self._check_length(animation, *path)
        self._selfie(request.selfie_id)
        avatar = NewJob(next(ids), self._request(request, Kind.AVATAR, input_id=request.selfie_id), story_id)
        scenes = [self._scene_of_story(ids, request, each, avatar) for each in request.content.scenes]
        return [avatar, *(job for jobs in scenes for job in jobs)]

    def _scene_of_story(
        self, ids: Iterator[UUID], request: StoryRequest, wanted: StoryScene, avatar: NewJob
    ) -> list[NewJob]:
        theme = wanted.scene.theme
        scene = _waiting(next(ids), self._request(request, Kind.SCENE, **asdict(wanted.scene)), avatar)
        motions = [self._request(request, Kind.ANIMATION, theme=theme, **asdict(each)) for each in wanted.animations]
        return [scene, *(_waiting(next(ids), motion, scene) for motion in motions)]

    def _request(
        self, request: StoryRequest | AvatarRequest | SceneRequest | AnimationRequest, kind: Kind, **subject: Any
    ) -> JobRequest:
        options = request.options
        return JobRequest(
            kind=kind,
            tier=self._caller.tier,
            priority=options.priority,
            on_failure=options.on_failure,
            metadata=options.metadata,
            credits=0 if self._caller.is_test else price_of(kind, self._caller.tier, subject.get("duration_s")),
            **subject,
        )

    def _check_makeable(self, kind: Kind) -> None:
        self._catalogue.check_makeable(kind, self._caller.tier, None, "input")

    def _check_length(self, options: AnimationOptions, *argument: str) -> None:
        path = ("input", *argument, "durationSeconds")
        self._catalogue.check_makeable(Kind.ANIMATION, self._caller.tier, options.duration_s, *path)


def _waiting(job_id: UUID, request: JobRequest, parent: NewJob) -> NewJob:
    return NewJob(job_id, request, parent.story_id, parent_id=parent.id, waits=True)


def _placed(job_id: UUID, request: JobRequest, place: Place) -> NewJob:
    return NewJob(job_id, request, parent_id=place.parent_id, waits=place.waits)
