"""Batches: many scenes in one request, accepted whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from uuid import UUID

from sqlalchemy import Connection

from db.ids import ids_after
from db.records.jobs import lock_sources
from db.records.ledger import lock_balance
from db.records.requests import IdempotencyKey, NewJob, insert_jobs
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.catalogue.prices import price_of
from jobs.errors import InsufficientCredits, Invalid, UseCaseError
from jobs.identity import Principal
from jobs.requesting.creation import check_scene_request, owner_of, place_after, scene_job, source_of_scene
from jobs.requesting.credits import hold_price
from jobs.requesting.idempotency import Made, once
from jobs.requesting.requests import BatchRequest, BatchScene, SceneRequest
from statemachine.vocabulary import Kind

SCENES_MAX = 200


def create_batch(
    conn: Connection, caller: Principal, request: BatchRequest, *, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> list[Made]:
    """Create the jobs of all scenes, and return them in the order of the scenes.

    Raises what `create_scene` does, with the scene's place in the path; the transaction must then be rolled back.
    """
    if not 1 <= len(request.scenes) <= SCENES_MAX:
        raise Invalid(f"scenes takes 1 to {SCENES_MAX} scenes.", "input", "scenes")

    def make(batch_id: UUID) -> None:
        _lock_avatars(conn, caller, request)
        _check_price(conn, caller, len(request.scenes))
        scenes = _new_jobs(conn, caller, request, batch_id, catalogue)
        insert_jobs(conn, owner_of(caller), scenes, deadline=catalogue.job_deadline)
        hold_price(conn, caller, {scene.id: scene.request.credits for scene in scenes})

    key = IdempotencyKey(caller.account_id, caller.user_ref, "createBatch", request.options.idempotency_key)
    batch = once(conn, key, request, make)
    return [Made(job_id, batch.replayed) for job_id in _job_ids(batch.resource_id, request)]


def _job_ids(batch_id: UUID, request: BatchRequest) -> list[UUID]:
    """Return the ids of the scenes' jobs: a repeated batch finds them by its own id."""
    return ids_after(batch_id, len(request.scenes))


def _new_jobs(
    conn: Connection, caller: Principal, request: BatchRequest, batch_id: UUID, catalogue: Catalogue
) -> list[NewJob]:
    """Return the jobs of all scenes. Each avatar is read once."""
    catalogue.check_makeable(Kind.SCENE, caller.tier, None, "input")
    place_of = cache(partial(place_after, conn, caller))
    new = []
    for number, (job_id, batched) in enumerate(zip(_job_ids(batch_id, request), request.scenes, strict=True)):
        scene = _scene(request, batched)
        try:
            check_scene_request(catalogue, caller, scene)
            new.append(scene_job(caller, job_id, scene, place_of(source_of_scene(scene))))
        except UseCaseError as error:
            error.path = ("input", "scenes", str(number), *error.path[1:])
            raise
    return new


def _lock_avatars(conn: Connection, caller: Principal, request: BatchRequest) -> None:
    """Lock every source of the batch before the wallet: a transaction that ends a job locks them in this order."""
    job_ids = {scene.avatar_job_id for scene in request.scenes if scene.avatar_job_id is not None}
    asset_ids = {scene.avatar_asset_id for scene in request.scenes if scene.avatar_asset_id is not None}
    lock_sources(conn, caller.scope, job_ids=job_ids, asset_ids=asset_ids)


def _check_price(conn: Connection, caller: Principal, count: int) -> None:
    """Compare the price of the whole batch with the wallet, which stays locked until the transaction ends."""
    required = count * price_of(Kind.SCENE, caller.tier)
    available = lock_balance(conn, caller.wallet).available
    if available < required:
        raise InsufficientCredits(required, available)


def _scene(request: BatchRequest, batched: BatchScene) -> SceneRequest:
    return SceneRequest(
        replace(request.options, metadata=batched.metadata),
        batched.scene,
        avatar_asset_id=batched.avatar_asset_id,
        avatar_job_id=batched.avatar_job_id,
    )
