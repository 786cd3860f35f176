"""Making the jobs of requests: what is in the catalogue, what they work on, what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.records.requests import JobRequest, NewJob, Owner
from jobs.catalogue.catalogue import Catalogue
from jobs.catalogue.prices import price_of
from jobs.identity import Principal
from jobs.requesting.requests import AnimationOptions, AnimationRequest, AvatarRequest, SceneRequest, StoryRequest
from jobs.requesting.sources import Place, place_after, ready_asset, source_of_animation, source_of_scene
from statemachine.vocabulary import Kind

# The jobs of a story with a video: avatar, scene, animation.
STORY_JOBS_MAX = 3


def owner_of(caller: Principal) -> Owner:
    """Return the owner of what this caller makes."""
    return Owner(caller.account_id, caller.filed_under.id if caller.filed_under else None, caller.request_id)


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

    def story(self, story_id: UUID, job_ids: Sequence[UUID], request: StoryRequest) -> list[NewJob]:
        """Return the jobs of a story, each of which waits for the one before it."""
        self._check_makeable(Kind.AVATAR)
        self._check_makeable(Kind.SCENE)
        if request.animation is not None:
            self._check_length(request.animation, "animation")
        self._selfie(request.selfie_id)
        before = (None, *job_ids)
        return [
            NewJob(job_id, wanted, story_id, parent_id=parent_id, waits=parent_id is not None)
            for job_id, parent_id, wanted in zip(job_ids, before, self._of_story(request), strict=False)
        ]

    def _of_story(self, request: StoryRequest) -> list[JobRequest]:
        avatar = self._request(request, Kind.AVATAR, input_id=request.selfie_id)
        scene = self._request(request, Kind.SCENE, **asdict(request.scene))
        if request.animation is None:
            return [avatar, scene]
        motion = asdict(request.animation)
        return [avatar, scene, self._request(request, Kind.ANIMATION, theme=request.scene.theme, **motion)]

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
            credits=price_of(kind, self._caller.tier, subject.get("duration_s")),
            **subject,
        )

    def _check_makeable(self, kind: Kind) -> None:
        self._catalogue.check_makeable(kind, self._caller.tier, None, "input")

    def _check_length(self, options: AnimationOptions, argument: str) -> None:
        path = ("input", argument, "durationSeconds")
        self._catalogue.check_makeable(Kind.ANIMATION, self._caller.tier, options.duration_s, *path)


def _placed(job_id: UUID, request: JobRequest, place: Place) -> NewJob:
    return NewJob(job_id, request, parent_id=place.parent_id, waits=place.waits)
