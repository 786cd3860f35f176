"""Creating stories and single jobs, each accepted once for a caller's idempotency key.

Creating the rows is enqueuing them: workers process whatever a transaction here commits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.ids import new_id
from db.records.assets import Asset, asset_by_id
from db.records.jobs import Job, lock_parent, lock_sources
from db.records.requests import IdempotencyKey, JobRequest, NewJob, Owner, insert_job, insert_jobs, insert_story
from db.upkeep.retention import database_time
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.catalogue.prices import price_of
from jobs.errors import InputExpired, Invalid, NotFound, NotReady
from jobs.identity import Principal
from jobs.requesting.credits import hold_price
from jobs.requesting.idempotency import Made, once
from jobs.requesting.requests import (
    AnimationOptions,
    AnimationRequest,
    AvatarRequest,
    RequestOptions,
    SceneOptions,
    SceneRequest,
    StoryRequest,
)
from statemachine.backoff import HIGHEST_PRIORITY, LOWEST_PRIORITY
from statemachine.vocabulary import Kind, State

METADATA_BYTES_MAX = 4096
DURATIONS_S = (6, 10)


def create_story(
    conn: Connection, caller: Principal, request: StoryRequest, *, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> Made:
    """Create the jobs of a story.

    Raises Invalid, NotFound, NotReady, TierRequired, InsufficientCredits or IdempotencyKeyReused; then nothing was made
    and no credits are held.
    """
    _check_options(caller, request.options)
    _check_scene(catalogue, request.scene)
    if request.animation is not None:
        _check_animation(catalogue, caller, request.animation, "animation")

    def make(story_id: UUID) -> dict[UUID, int]:
        catalogue.check_makeable(Kind.AVATAR, caller.tier, None, "input")
        catalogue.check_makeable(Kind.SCENE, caller.tier, None, "input")
        if request.animation is not None:
            _check_length(catalogue, caller, request.animation, "animation")
        selfie = _ready_asset(conn, caller, request.selfie_id, "selfie", "selfieId")
        insert_story(conn, owner_of(caller), story_id, selfie.id)
        return _insert_story_jobs(conn, caller, request, story_id, catalogue)

    return _once(conn, caller, "createStory", request, make)


def create_avatar(
    conn: Connection, caller: Principal, request: AvatarRequest, *, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> Made:
    """Create the job of an avatar. Raises as `create_story` does."""
    _check_options(caller, request.options)

    def make(job_id: UUID) -> dict[UUID, int]:
        catalogue.check_makeable(Kind.AVATAR, caller.tier, None, "input")
        selfie = _ready_asset(conn, caller, request.selfie_id, "selfie", "selfieId")
        avatar = _job_request(caller, request.options, Kind.AVATAR, input_id=selfie.id)
        insert_job(conn, owner_of(caller), job_id, avatar, deadline=catalogue.job_deadline)
        return {job_id: avatar.credits}

    return _once(conn, caller, "createAvatar", request, make)


def create_scene(
    conn: Connection,
    caller: Principal,
    request: SceneRequest,
    *,
    catalogue: Catalogue = DEFAULT_CATALOGUE,
) -> Made:
    """Create the job of a scene. Raises as `create_story` does."""
    check_scene_request(catalogue, caller, request)

    def make(job_id: UUID) -> dict[UUID, int]:
        catalogue.check_makeable(Kind.SCENE, caller.tier, None, "input")
        place = place_after(conn, caller, source_of_scene(request))
        scene = scene_job(caller, job_id, request, place)
        insert_jobs(conn, owner_of(caller), [scene], deadline=catalogue.job_deadline)
        return {job_id: scene.request.credits}

    return _once(conn, caller, "createScene", request, make)


def check_scene_request(catalogue: Catalogue, caller: Principal, request: SceneRequest) -> None:
    """Raise Invalid or NotFound for options that no scene can have."""
    _check_options(caller, request.options)
    _check_scene(catalogue, request.scene)


def source_of_scene(request: SceneRequest) -> Source:
    """Return the avatar that the scene is made from."""
    return Source("avatar", Kind.AVATAR, "avatarId", request.avatar_asset_id, request.avatar_job_id)


def scene_job(caller: Principal, job_id: UUID, request: SceneRequest, place: Place) -> NewJob:
    """Return the job of a scene."""
    subject = {"input_id": request.avatar_asset_id, **asdict(request.scene)}
    scene = _job_request(caller, request.options, Kind.SCENE, **subject)
    return NewJob(job_id, scene, parent_id=place.parent_id, waits=place.waits)


def create_animation(
    conn: Connection, caller: Principal, request: AnimationRequest, *, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> Made:
    """Create the job of an animation. Raises as `create_story` does."""
    _check_options(caller, request.options)
    _check_animation(catalogue, caller, request.animation, "options")
    source = Source("scene", Kind.SCENE, "sceneId", request.scene_asset_id, request.scene_job_id)

    def make(job_id: UUID) -> dict[UUID, int]:
        _check_length(catalogue, caller, request.animation, "options")
        video = _job_request(
            caller, request.options, Kind.ANIMATION, input_id=request.scene_asset_id, **asdict(request.animation)
        )
        place = place_after(conn, caller, source)
        job = NewJob(job_id, video, parent_id=place.parent_id, waits=place.waits)
        insert_jobs(conn, owner_of(caller), [job], deadline=catalogue.job_deadline)
        return {job_id: video.credits}

    return _once(conn, caller, "createAnimation", request, make)


def _insert_story_jobs(
    conn: Connection, caller: Principal, request: StoryRequest, story_id: UUID, catalogue: Catalogue
) -> dict[UUID, int]:
    """Add the jobs of a story, each of which waits for the one before it, and return their prices."""
    owner, options = owner_of(caller), request.options
    place: dict[str, Any] = {"story_id": story_id, "deadline": catalogue.job_deadline}
    avatar = _job_request(caller, options, Kind.AVATAR, input_id=request.selfie_id)
    scene = _job_request(caller, options, Kind.SCENE, **asdict(request.scene))
    avatar_id = _insert(conn, owner, avatar, **place)
    scene_id = _insert(conn, owner, scene, parent_id=avatar_id, waits=True, **place)
    prices = {avatar_id: avatar.credits, scene_id: scene.credits}
    if request.animation is not None:
        motion = asdict(request.animation)
        video = _job_request(caller, options, Kind.ANIMATION, theme=request.scene.theme, **motion)
        prices[_insert(conn, owner, video, parent_id=scene_id, waits=True, **place)] = video.credits
    return prices


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a job: an asset of `asset_kind`, or the job that makes it."""

    asset_kind: str
    job_kind: Kind
    argument: str
    asset_id: UUID | None
    job_id: UUID | None


@dataclass(frozen=True, slots=True)
class Place:
    """The parent of a job, if its source is one, and whether it waits for the parent to finish."""

    parent_id: UUID | None = None
    waits: bool = False


def place_after(conn: Connection, caller: Principal, source: Source) -> Place:
    """Lock the source of a job and return the job's place. Raises NotFound, NotReady or InputExpired."""
    if source.asset_id is not None:
        lock_sources(conn, caller.scope, asset_ids=[source.asset_id])
        _ready_asset(conn, caller, source.asset_id, source.asset_kind, source.argument)
        return Place()
    parent = _parent(conn, caller, source)
    waits = parent.state is not State.SUCCEEDED
    if parent.output_id is not None and not waits:
        _ready_asset(conn, caller, parent.output_id, source.asset_kind, source.argument)
    return Place(parent.id, waits)


def _parent(conn: Connection, caller: Principal, source: Source) -> Job:
    parent = lock_parent(conn, caller.scope, source.job_id) if source.job_id else None
    if parent is None or parent.kind is not source.job_kind:
        raise NotFound(f"The {source.asset_kind} does not exist.", "input", source.argument)
    if parent.state in (State.FAILED, State.CANCELED, State.COMPENSATING):
        raise NotReady(
            f"That {source.asset_kind} does not exist: the state of its job is {parent.state}.",
            "input",
            source.argument,
        )
    return parent


def _ready_asset(conn: Connection, caller: Principal, asset_id: UUID, kind: str, argument: str) -> Asset:
    asset = asset_by_id(conn, caller.scope, asset_id)
    if asset is None or asset.kind != kind:
        raise NotFound(f"The {kind} does not exist.", "input", argument)
    if asset.state == "pending":
        raise NotReady(f"That {kind} is pending; complete its upload first.", "input", argument)
    # Retention deletes an expired picture, so no job may begin with it any more.
    is_expired = asset.expires_at is not None and asset.expires_at <= database_time(conn)
    if asset.state in ("deleted", "missing") or is_expired:
        raise InputExpired(f"That {kind} is no longer kept; make or upload it again.", "input", argument)
    if asset.state != "ready":
        raise NotReady(f"That {kind} is {asset.state}; make or upload it again.", "input", argument)
    return asset


def owner_of(caller: Principal) -> Owner:
    """Return the owner of what this caller makes."""
    return Owner(caller.account_id, caller.session.id if caller.session else None, caller.request_id)


def _job_request(caller: Principal, options: RequestOptions, kind: Kind, **subject: Any) -> JobRequest:
    return JobRequest(
        kind=kind,
        tier=caller.tier,
        priority=options.priority,
        on_failure=options.on_failure,
        metadata=options.metadata,
        credits=price_of(kind, caller.tier, subject.get("duration_s")),
        **subject,
    )


def _insert(conn: Connection, owner: Owner, request: JobRequest, **place: Any) -> UUID:
    job_id = new_id()
    insert_job(conn, owner, job_id, request, **place)
    return job_id


def _once(
    conn: Connection,
    caller: Principal,
    operation: str,
    request: StoryRequest | AvatarRequest | SceneRequest | AnimationRequest,
    make: Callable[[UUID], Mapping[UUID, int]],
) -> Made:
    """Run `make` once for the caller's key, and hold the credits for what it made."""

    def make_and_hold_credits(resource_id: UUID) -> None:
        hold_price(conn, caller, make(resource_id))

    key = IdempotencyKey(caller.account_id, caller.user_ref, operation, request.options.idempotency_key)
    return once(conn, key, request, make_and_hold_credits)


def _check_options(caller: Principal, options: RequestOptions) -> None:
    if not LOWEST_PRIORITY <= options.priority <= HIGHEST_PRIORITY:
        raise Invalid(f"priority must be from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}.", "input", "priority")
    # An end user could otherwise pass all others of the same account.
    if caller.session is not None and options.priority > 0:
        message = f"A priority above 0 needs an API key; a session may use {LOWEST_PRIORITY} to 0."
        raise Invalid(message, "input", "priority")
    if options.metadata is not None and len(json.dumps(options.metadata).encode()) > METADATA_BYTES_MAX:
        raise Invalid(f"metadata must be at most {METADATA_BYTES_MAX} bytes of JSON.", "input", "metadata")


def _check_scene(catalogue: Catalogue, scene: SceneOptions) -> None:
    catalogue.check_theme(scene.theme)
    scene.check()


def _check_animation(catalogue: Catalogue, caller: Principal, options: AnimationOptions, argument: str) -> None:
    path = ("input", argument, "durationSeconds")
    if options.duration_s not in DURATIONS_S:
        raise Invalid("durationSeconds must be 6 or 10.", *path)
    catalogue.check_duration(caller.tier, options.duration_s, *path)


def _check_length(catalogue: Catalogue, caller: Principal, options: AnimationOptions, argument: str) -> None:
    path = ("input", argument, "durationSeconds")
    catalogue.check_makeable(Kind.ANIMATION, caller.tier, options.duration_s, *path)
