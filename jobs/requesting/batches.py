"""Batches: many scenes in one request, accepted whole or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache, partial
from uuid import UUID

from sqlalchemy import Connection

from db.ids import new_id
from db.records.jobs import lock_sources
from db.records.ledger import lock_balance
from db.records.requests import IdempotencyKey, KeyUse, NewJob, insert_jobs, insert_key_uses, key_uses
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.catalogue.prices import price_of
from jobs.errors import InsufficientCredits, Invalid, UseCaseError
from jobs.identity import Principal
from jobs.requesting.creation import check_scene_request, owner_of, place_after, scene_job, source_of_scene
from jobs.requesting.credits import hold_price
from jobs.requesting.idempotency import Made, digest_of, once
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

    def make(_: UUID) -> None:
        _lock_avatars(conn, caller, request)
        _check_price(conn, caller, len(request.scenes))
        scenes = _new_jobs(conn, caller, request, catalogue)
        insert_jobs(conn, owner_of(caller), scenes, deadline=catalogue.job_deadline)
        hold_price(conn, caller, {scene.id: scene.request.credits for scene in scenes})
        digest = digest_of(request)
        used = zip(_scene_keys(caller, request), scenes, strict=True)
        insert_key_uses(conn, {key: KeyUse(digest, scene.id) for key, scene in used})

    batch = once(conn, _key(caller, request), request, make)
    found = key_uses(conn, _scene_keys(caller, request))
    return [Made(found[key].resource_id, batch.replayed) for key in _scene_keys(caller, request)]


def _key(caller: Principal, request: BatchRequest) -> IdempotencyKey:
    return IdempotencyKey(caller.account_id, caller.user_ref, "createBatch", request.options.idempotency_key)


def _scene_keys(caller: Principal, request: BatchRequest) -> list[IdempotencyKey]:
    """Return a key for each scene, by which a repeated batch finds it again."""
    batch = hashlib.sha256(request.options.idempotency_key.encode()).hexdigest()
    return [
        IdempotencyKey(caller.account_id, caller.user_ref, "createBatch/scene", f"{batch} {place}")
        for place in range(len(request.scenes))
    ]


def _new_jobs(conn: Connection, caller: Principal, request: BatchRequest, catalogue: Catalogue) -> list[NewJob]:
    """Return the jobs of all scenes. Each avatar is read once."""
    catalogue.check_makeable(Kind.SCENE, caller.tier, None, "input")
    place_of = cache(partial(place_after, conn, caller))
    new = []
    for number, batched in enumerate(request.scenes):
        scene = _scene(request, batched)
        try:
            check_scene_request(catalogue, scene)
            new.append(scene_job(caller, new_id(), scene, place_of(source_of_scene(scene))))
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
