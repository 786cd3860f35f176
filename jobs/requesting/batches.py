"""Asking for many scenes in one request, which is accepted whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.ids import new_id
from db.records.jobs import hold_sources
from db.records.ledger import lock_balance
from db.records.requests import IdempotencyKey, claim_key
from jobs.catalogue.offer import DEFAULT_OFFER, Offer
from jobs.catalogue.prices import price_of
from jobs.errors import IdempotencyKeyReused, InsufficientCredits, Invalid, UseCaseError
from jobs.identity import Principal
from jobs.requesting.requests import Made, Terms, create_scene
from statemachine.states import Kind

SCENES_MAX = 200


@dataclass(frozen=True, slots=True)
class SceneWanted:
    """One scene of a batch: its avatar as a finished asset or as the job that makes it, and its own references."""

    avatar_asset_id: UUID | None
    avatar_job_id: UUID | None
    theme: str
    details: str | None = None
    metadata: dict[str, Any] | None = None


def create_batch(
    conn: Connection, caller: Principal, terms: Terms, scenes: Sequence[SceneWanted], *, offer: Offer = DEFAULT_OFFER
) -> list[Made]:
    """Ask for many scenes, and return what was made in their order. The same key and scenes make nothing more.

    Raises what `create_scene` does, with the place of the scene in the path; the transaction must then be rolled back.
    """
    if not 1 <= len(scenes) <= SCENES_MAX:
        raise Invalid(f"scenes takes 1 to {SCENES_MAX} scenes.", "input", "scenes")
    if not 1 <= len(terms.idempotency_key) <= 255:
        raise Invalid("idempotencyKey must have 1 to 255 characters.", "input", "idempotencyKey")
    if _is_new(conn, caller, terms, scenes):
        _hold_avatars(conn, caller, scenes)
        _check_price(conn, caller, len(scenes))
    return [_create(conn, caller, terms, place, scene, offer) for place, scene in enumerate(scenes)]


def _is_new(conn: Connection, caller: Principal, terms: Terms, scenes: Sequence[SceneWanted]) -> bool:
    whole = [asdict(terms), *(asdict(scene) for scene in scenes)]
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).digest()
    key = IdempotencyKey(caller.account_id, caller.user_ref, "createBatch", terms.idempotency_key)
    earlier = claim_key(conn, key, digest, new_id())
    if earlier is not None and earlier.input_sha256 != digest:
        message = "This idempotencyKey was used for a different batch; use a new key for a new batch."
        raise IdempotencyKeyReused(message, "input", "idempotencyKey")
    return earlier is None


def _hold_avatars(conn: Connection, caller: Principal, scenes: Sequence[SceneWanted]) -> None:
    """Hold all that the batch is made from before the wallet is: whoever ends a job locks them in this order."""
    job_ids = {scene.avatar_job_id for scene in scenes if scene.avatar_job_id is not None}
    asset_ids = {scene.avatar_asset_id for scene in scenes if scene.avatar_asset_id is not None}
    hold_sources(conn, caller.scope, job_ids=job_ids, asset_ids=asset_ids)


def _check_price(conn: Connection, caller: Principal, count: int) -> None:
    """Tell the price of the whole batch at once; the wallet stays locked until the transaction ends."""
    required = count * price_of(Kind.SCENE, caller.tier)
    available = lock_balance(conn, caller.wallet).available
    if available < required:
        raise InsufficientCredits(required, available)


def _create(conn: Connection, caller: Principal, terms: Terms, place: int, scene: SceneWanted, offer: Offer) -> Made:
    # Each scene has a key of its own, by which a repeated batch finds it again.
    key = f"batch {hashlib.sha256(terms.idempotency_key.encode()).hexdigest()} {place}"
    try:
        return create_scene(
            conn,
            caller,
            replace(terms, idempotency_key=key, metadata=scene.metadata),
            avatar_asset_id=scene.avatar_asset_id,
            avatar_job_id=scene.avatar_job_id,
            theme=scene.theme,
            details=scene.details,
            offer=offer,
        )
    except UseCaseError as error:
        error.path = ("input", "scenes", str(place), *error.path[1:])
        raise
