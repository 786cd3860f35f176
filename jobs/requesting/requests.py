"""Asking for something: stories and single jobs, each accepted once a caller's idempotency key.

Creating the rows is enqueuing them: whatever a transaction here commits will be worked on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.ids import new_id
from db.records.assets import Asset, asset_by_id
from db.records.jobs import Job, hold_sources, lock_parent
from db.records.requests import IdempotencyKey, JobRequest, Owner, claim_key, insert_job, insert_story, prices_of_made
from db.upkeep.retention import database_time
from jobs.catalogue.offer import DEFAULT_OFFER, Offer
from jobs.catalogue.prices import price_of
from jobs.errors import IdempotencyKeyReused, Invalid, NotFound, NotReady
from jobs.identity import Principal
from jobs.requesting.credits import hold_price
from statemachine.backoff import HIGHEST_PRIORITY, LOWEST_PRIORITY
from statemachine.states import Kind, OnFailure, State

DETAILS_LENGTH_MAX = 300
METADATA_BYTES_MAX = 4096
DURATIONS_S = (6, 10)


@dataclass(frozen=True, slots=True)
class Terms:
    """What every request carries beside its subject."""

    idempotency_key: str
    on_failure: OnFailure = OnFailure.ROLL_BACK_PARENT
    priority: int = 0
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AnimationOptions:
    """How a scene moves. Ten seconds need the paid tier."""

    style: str = "walk_forward"
    camera: str = "gentle_pan"
    duration_s: int = 6


@dataclass(frozen=True, slots=True)
class Made:
    """What a request made, or had made before under the same key (`replayed`)."""

    resource_id: UUID
    replayed: bool


def create_story(
    conn: Connection,
    caller: Principal,
    terms: Terms,
    *,
    selfie_id: UUID,
    theme: str,
    details: str | None = None,
    animation: AnimationOptions | None,
    offer: Offer = DEFAULT_OFFER,
) -> Made:
    """Ask for an avatar, a scene with it and, unless `animation` is None, a video of the scene.

    Raises Invalid, NotFound, NotReady, TierRequired, InsufficientCredits or IdempotencyKeyReused; then nothing was made
    and nothing is held.
    """
    _check_terms(terms)
    _check_scene(offer, theme, details)
    if animation is not None:
        _check_animation(offer, caller, animation, "animation")
    given = {"selfie": selfie_id, "theme": theme, "details": details, "animation": animation and asdict(animation)}

    def make(story_id: UUID) -> None:
        offer.check_makeable(Kind.AVATAR, caller.tier, None, "input")
        offer.check_makeable(Kind.SCENE, caller.tier, None, "input")
        if animation is not None:
            _check_length(offer, caller, animation, "animation")
        selfie = _ready_asset(conn, caller, selfie_id, "selfie", "selfieId")
        owner = _owner(caller)
        insert_story(conn, owner, story_id, selfie.id)
        avatar = _request(caller, terms, Kind.AVATAR, input_id=selfie.id)
        scene = _request(caller, terms, Kind.SCENE, theme=theme, details=details)
        place: dict[str, Any] = {"story_id": story_id, "deadline": offer.job_deadline}
        parent_id = _insert(conn, owner, avatar, **place)
        parent_id = _insert(conn, owner, scene, parent_id=parent_id, waits=True, **place)
        if animation is not None:
            video = _request(caller, terms, Kind.ANIMATION, theme=theme, **asdict(animation))
            _insert(conn, owner, video, parent_id=parent_id, waits=True, **place)

    return _once(conn, caller, "createStory", terms, given, make)


def create_avatar(
    conn: Connection, caller: Principal, terms: Terms, *, selfie_id: UUID, offer: Offer = DEFAULT_OFFER
) -> Made:
    """Ask for an avatar of a selfie. Raises as `create_story` does."""
    _check_terms(terms)

    def make(job_id: UUID) -> None:
        offer.check_makeable(Kind.AVATAR, caller.tier, None, "input")
        selfie = _ready_asset(conn, caller, selfie_id, "selfie", "selfieId")
        request = _request(caller, terms, Kind.AVATAR, input_id=selfie.id)
        insert_job(conn, _owner(caller), job_id, request, deadline=offer.job_deadline)

    return _once(conn, caller, "createAvatar", terms, {"selfie": selfie_id}, make)


def create_scene(
    conn: Connection,
    caller: Principal,
    terms: Terms,
    *,
    avatar_asset_id: UUID | None = None,
    avatar_job_id: UUID | None = None,
    theme: str,
    details: str | None = None,
    offer: Offer = DEFAULT_OFFER,
) -> Made:
    """Ask for a scene with an avatar, given as a finished asset or as the job that makes it. Raises as above."""
    _check_terms(terms)
    _check_scene(offer, theme, details)
    source = _Source("avatar", Kind.AVATAR, "avatarId", avatar_asset_id, avatar_job_id)
    given = {"avatar": avatar_asset_id or avatar_job_id, "theme": theme, "details": details}

    def make(job_id: UUID) -> None:
        offer.check_makeable(Kind.SCENE, caller.tier, None, "input")
        request = _request(caller, terms, Kind.SCENE, theme=theme, details=details, input_id=avatar_asset_id)
        _insert_after(conn, caller, job_id, request, source, offer)

    return _once(conn, caller, "createScene", terms, given, make)


def create_animation(
    conn: Connection,
    caller: Principal,
    terms: Terms,
    *,
    scene_asset_id: UUID | None = None,
    scene_job_id: UUID | None = None,
    options: AnimationOptions,
    offer: Offer = DEFAULT_OFFER,
) -> Made:
    """Ask for a video of a scene, given as a finished asset or as the job that makes it. Raises as above."""
    _check_terms(terms)
    _check_animation(offer, caller, options, "options")
    source = _Source("scene", Kind.SCENE, "sceneId", scene_asset_id, scene_job_id)
    given = {"scene": scene_asset_id or scene_job_id, "options": asdict(options)}

    def make(job_id: UUID) -> None:
        _check_length(offer, caller, options, "options")
        request = _request(caller, terms, Kind.ANIMATION, input_id=scene_asset_id, **asdict(options))
        _insert_after(conn, caller, job_id, request, source, offer)

    return _once(conn, caller, "createAnimation", terms, given, make)


@dataclass(frozen=True, slots=True)
class _Source:
    """What a job is made from: an asset of `asset_kind`, or the job that makes it."""

    asset_kind: str
    job_kind: Kind
    argument: str
    asset_id: UUID | None
    job_id: UUID | None


def _insert_after(
    conn: Connection, caller: Principal, job_id: UUID, request: JobRequest, source: _Source, offer: Offer
) -> None:
    """Add a job that works on `source`, waiting for it where it is not finished."""
    owner = _owner(caller)
    if source.asset_id is not None:
        hold_sources(conn, caller.scope, asset_ids=[source.asset_id])
        _ready_asset(conn, caller, source.asset_id, source.asset_kind, source.argument)
        insert_job(conn, owner, job_id, request, deadline=offer.job_deadline)
        return
    parent = _parent(conn, caller, source)
    waits = parent.state is not State.SUCCEEDED
    if parent.output_id is not None and not waits:
        _ready_asset(conn, caller, parent.output_id, source.asset_kind, source.argument)
    insert_job(conn, owner, job_id, request, deadline=offer.job_deadline, parent_id=parent.id, waits=waits)


def _parent(conn: Connection, caller: Principal, source: _Source) -> Job:
    parent = lock_parent(conn, caller.scope, source.job_id) if source.job_id else None
    if parent is None or parent.kind is not source.job_kind:
        raise NotFound(f"There is no such {source.asset_kind}.", "input", source.argument)
    if parent.state in (State.FAILED, State.CANCELED, State.COMPENSATING):
        raise NotReady(f"That {source.asset_kind} was not made: its job {parent.state}.", "input", source.argument)
    return parent


def _ready_asset(conn: Connection, caller: Principal, asset_id: UUID, kind: str, argument: str) -> Asset:
    asset = asset_by_id(conn, caller.scope, asset_id)
    if asset is None or asset.kind != kind:
        raise NotFound(f"There is no such {kind}.", "input", argument)
    if asset.state == "pending":
        raise NotReady(f"That {kind} is pending; complete its upload first.", "input", argument)
    if asset.state != "ready":
        raise NotReady(f"That {kind} is {asset.state}; make or upload it again.", "input", argument)
    # Retention deletes what has expired, so nothing may begin with it any more.
    if asset.expires_at is not None and asset.expires_at <= database_time(conn):
        raise NotReady(f"That {kind} has expired; make or upload it again.", "input", argument)
    return asset


def _owner(caller: Principal) -> Owner:
    return Owner(caller.account_id, caller.session.id if caller.session else None)


def _request(caller: Principal, terms: Terms, kind: Kind, **subject: Any) -> JobRequest:
    return JobRequest(
        kind=kind,
        tier=caller.tier,
        priority=terms.priority,
        on_failure=terms.on_failure,
        metadata=terms.metadata,
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
    terms: Terms,
    given: dict[str, Any],
    make: Callable[[UUID], None],
) -> Made:
    """Run `make` with a fresh id unless the caller's key has been used; the same input gets what it made before."""
    digest = _input_digest(terms, given)
    resource_id = new_id()
    key = IdempotencyKey(caller.account_id, caller.user_ref, operation, terms.idempotency_key)
    earlier = claim_key(conn, key, digest, resource_id)
    if earlier is None:
        make(resource_id)
        hold_price(conn, caller, prices_of_made(conn, resource_id))
        return Made(resource_id, replayed=False)
    if earlier.input_sha256 != digest:
        raise IdempotencyKeyReused(
            "This idempotencyKey was used for a different request; use a new key for a new request.",
            "input",
            "idempotencyKey",
        )
    return Made(earlier.resource_id, replayed=True)


def _input_digest(terms: Terms, given: dict[str, Any]) -> bytes:
    whole = {**given, "onFailure": terms.on_failure, "priority": terms.priority, "metadata": terms.metadata}
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).digest()


def _check_terms(terms: Terms) -> None:
    if not 1 <= len(terms.idempotency_key) <= 255:
        raise Invalid("idempotencyKey must have 1 to 255 characters.", "input", "idempotencyKey")
    if not LOWEST_PRIORITY <= terms.priority <= HIGHEST_PRIORITY:
        raise Invalid(f"priority must be from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}.", "input", "priority")
    if terms.metadata is not None and len(json.dumps(terms.metadata).encode()) > METADATA_BYTES_MAX:
        raise Invalid(f"metadata must be at most {METADATA_BYTES_MAX} bytes of JSON.", "input", "metadata")


def _check_scene(offer: Offer, theme: str, details: str | None) -> None:
    offer.check_theme(theme)
    if details is not None and len(details) > DETAILS_LENGTH_MAX:
        raise Invalid(f"details must have at most {DETAILS_LENGTH_MAX} characters.", "input", "details")


def _check_animation(offer: Offer, caller: Principal, options: AnimationOptions, argument: str) -> None:
    path = ("input", argument, "durationSeconds")
    if options.duration_s not in DURATIONS_S:
        raise Invalid("durationSeconds must be 6 or 10.", *path)
    offer.check_duration(caller.tier, options.duration_s, *path)


def _check_length(offer: Offer, caller: Principal, options: AnimationOptions, argument: str) -> None:
    path = ("input", argument, "durationSeconds")
    offer.check_makeable(Kind.ANIMATION, caller.tier, options.duration_s, *path)
