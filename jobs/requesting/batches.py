"""Batches: many scenes in one request, accepted whole or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection

from db.records.jobs import lock_sources
from db.records.ledger import lock_balance
from db.records.requests import IdempotencyKey
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.catalogue.prices import price_of
from jobs.errors import InsufficientCredits, Invalid, UseCaseError
from jobs.identity import Principal
from jobs.requesting.creation import create_scene
from jobs.requesting.idempotency import Made, once
from jobs.requesting.requests import BatchRequest, SceneRequest
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

    def check(_: UUID) -> None:
        _lock_avatars(conn, caller, request)
        _check_price(conn, caller, len(request.scenes))

    once(conn, _key(caller, request), request, check)
    return [_create(conn, caller, request, place, catalogue) for place in range(len(request.scenes))]


def _key(caller: Principal, request: BatchRequest) -> IdempotencyKey:
    return IdempotencyKey(caller.account_id, caller.user_ref, "createBatch", request.options.idempotency_key)


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


def _create(conn: Connection, caller: Principal, request: BatchRequest, place: int, catalogue: Catalogue) -> Made:
    try:
        return create_scene(conn, caller, _scene(request, place), operation="createBatch/scene", catalogue=catalogue)
    except UseCaseError as error:
        error.path = ("input", "scenes", str(place), *error.path[1:])
        raise


def _scene(request: BatchRequest, place: int) -> SceneRequest:
    """Return the request for one scene, with a key of its own by which a repeated batch finds it again."""
    scene = request.scenes[place]
    key = f"{hashlib.sha256(request.options.idempotency_key.encode()).hexdigest()} {place}"
    return SceneRequest(
        replace(request.options, idempotency_key=key, metadata=scene.metadata),
        scene.scene,
        avatar_asset_id=scene.avatar_asset_id,
        avatar_job_id=scene.avatar_job_id,
    )
