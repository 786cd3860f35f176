"""Creating stories and single jobs, each accepted once for a caller's idempotency key.

Creating the rows is enqueuing them: workers process whatever a transaction here commits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from db.ids import new_id
from db.records.requests import IdempotencyKey, NewJob, insert_jobs, insert_story
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.identity import Principal, on_behalf_of
from jobs.requesting.checks import check_animation, check_avatar, check_scene, check_story
from jobs.requesting.credits import hold_price
from jobs.requesting.idempotency import Made, once
from jobs.requesting.making import JobMaker, owner_of
from jobs.requesting.requests import AnimationRequest, AvatarRequest, SceneRequest, StoryRequest


def create_story(
    conn: Connection, caller: Principal, request: StoryRequest, *, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> Made:
    """Create the jobs of a story.

    Raises Invalid, NotFound, NotReady, TierRequired, InsufficientCredits, LimitExceeded, IdempotencyKeyReused, and what
    `on_behalf_of` does; then nothing was made and no credits are held.
    """
    caller = on_behalf_of(conn, caller, request.options.on_behalf_of)
    check_story(catalogue, caller, request)

    def make(story_id: UUID, maker: JobMaker) -> list[NewJob]:
        jobs = maker.story(story_id, iter(new_id, None), request)
        insert_story(conn, owner_of(caller), story_id, request.selfie_id)
        return jobs

    return _once(conn, caller, "createStory", request, catalogue, make)


def create_avatar(
    conn: Connection, caller: Principal, request: AvatarRequest, *, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> Made:
    """Create the job of an avatar. Raises as `create_story` does."""
    caller = on_behalf_of(conn, caller, request.options.on_behalf_of)
    check_avatar(catalogue, caller, request)
    return _once(
        conn, caller, "createAvatar", request, catalogue, lambda job_id, maker: [maker.avatar(job_id, request)]
    )


def create_scene(
    conn: Connection, caller: Principal, request: SceneRequest, *, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> Made:
    """Create the job of a scene. Raises as `create_story` does."""
    caller = on_behalf_of(conn, caller, request.options.on_behalf_of)
    check_scene(catalogue, caller, request)
    return _once(conn, caller, "createScene", request, catalogue, lambda job_id, maker: [maker.scene(job_id, request)])


def create_animation(
    conn: Connection, caller: Principal, request: AnimationRequest, *, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> Made:
    """Create the job of an animation. Raises as `create_story` does."""
    caller = on_behalf_of(conn, caller, request.options.on_behalf_of)
    check_animation(catalogue, caller, request)

    def make(job_id: UUID, maker: JobMaker) -> list[NewJob]:
        return [maker.animation(job_id, request)]

    return _once(conn, caller, "createAnimation", request, catalogue, make)


def _once(
    conn: Connection,
    caller: Principal,
    operation: str,
    request: StoryRequest | AvatarRequest | SceneRequest | AnimationRequest,
    catalogue: Catalogue,
    make: Callable[[UUID, JobMaker], Sequence[NewJob]],
) -> Made:
    """Add the jobs that `make` returns once for the caller's key, and hold the credits for them."""

    def add(resource_id: UUID) -> None:
        jobs = make(resource_id, JobMaker(conn, caller, catalogue))
        add_jobs(conn, caller, jobs, catalogue)

    key = IdempotencyKey(caller.account_id, caller.user_ref, operation, request.options.idempotency_key)
    return once(conn, key, request, add)


def add_jobs(conn: Connection, caller: Principal, jobs: Sequence[NewJob], catalogue: Catalogue) -> None:
    """Add jobs of the caller and hold the credits for them; raise InsufficientCredits where there are too few."""
    insert_jobs(conn, owner_of(caller), jobs, deadline=catalogue.job_deadline)
    hold_price(conn, caller, {job.id: job.request.credits for job in jobs})
