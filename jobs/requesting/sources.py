"""Sources of jobs: the file that a job works on, or the job that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.records.assets import Asset, asset_by_id
from db.records.jobs import Job, lock_parent, lock_sources
from db.upkeep.retention import database_time
from jobs.errors import InputExpired, NotFound, NotReady
from jobs.identity import Principal
from jobs.requesting.requests import AnimationRequest, SceneRequest
from statemachine.vocabulary import Kind, State


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


def source_of_scene(request: SceneRequest) -> Source:
    """Return the avatar that the scene is made from."""
    return Source("avatar", Kind.AVATAR, "avatarId", request.avatar_asset_id, request.avatar_job_id)


def source_of_animation(request: AnimationRequest) -> Source:
    """Return the scene that the animation is made from."""
    return Source("scene", Kind.SCENE, "sceneId", request.scene_asset_id, request.scene_job_id)


def place_after(conn: Connection, caller: Principal, source: Source) -> Place:
    """Lock the source of a job and return the job's place. Raises NotFound, NotReady or InputExpired."""
    if source.asset_id is not None:
        lock_sources(conn, caller.scope, asset_ids=[source.asset_id])
        ready_asset(conn, caller, source.asset_id, source.asset_kind, source.argument)
        return Place()
    parent = _parent(conn, caller, source)
    waits = parent.state is not State.SUCCEEDED
    if parent.output_id is not None and not waits:
        ready_asset(conn, caller, parent.output_id, source.asset_kind, source.argument)
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


def ready_asset(conn: Connection, caller: Principal, asset_id: UUID, kind: str, argument: str) -> Asset:
    """Return an asset that work may begin with. Raises NotFound, NotReady or InputExpired."""
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
