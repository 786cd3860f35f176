"""A roll-back sees requests that are made at the same moment, and no request starts from a job it has undone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from db.engine.claims import ClaimedJob
from db.engine.locking import lock_ending
from db.engine.recording import record
from db.ids import new_id
from db.records.requests import insert_story
from jobs.errors import InputExpired, NotReady
from jobs.requesting.batches import create_batch
from jobs.requesting.creation import create_scene
from jobs.requesting.requests import BatchRequest, BatchScene, RequestOptions, SceneOptions, SceneRequest
from jobs.support.redriving import retry_job
from statemachine import outcomes as o
from statemachine.vocabulary import Kind, OnFailure, State
from tests.support.eventually import eventually, scaled
from tests.support.factories import REFUSED, World, claimed, make_job, make_world, move_of
from tests.support.invariants import assert_roll_backs_took_nothing_owned
from tests.support.principals import partner_of


@dataclass(frozen=True)
class Ending:
    """A story's scene that is about to end and roll back its avatar, and an older, failed scene of that avatar."""

    world: World
    avatar_id: UUID
    avatar_asset_id: UUID
    scene: ClaimedJob
    older_id: UUID


@pytest.fixture
def ending(engine: Engine) -> Ending:
    story_id = new_id()
    with engine.begin() as conn:
        world = make_world(conn)
        insert_story(conn, world.owner, story_id, world.selfie_id)
        how: dict[str, Any] = {"story_id": story_id, "on_failure": OnFailure.ROLL_BACK_PARENT}
        avatar = make_job(conn, world, State.SUCCEEDED, **how)
        asset_id = conn.scalar(text("SELECT output_id FROM jobs WHERE id = :id"), {"id": avatar})
        older = make_job(conn, World(world.owner, asset_id), State.FAILED, kind=Kind.SCENE)
        scene = make_job(conn, world, State.GENERATING, kind=Kind.SCENE, parent_id=avatar, credits=5, **how)
        record(conn, [move_of(claimed(conn, scene), o.GenerationFailed(REFUSED))])
        return Ending(world, avatar, asset_id, claimed(conn, scene), older)


def by_job(conn: Connection, ending: Ending) -> None:
    request = SceneRequest(RequestOptions("key"), SceneOptions("neon-city"), avatar_job_id=ending.avatar_id)
    create_scene(conn, partner_of(ending.world), request)


def by_asset(conn: Connection, ending: Ending) -> None:
    request = SceneRequest(RequestOptions("key"), SceneOptions("neon-city"), avatar_asset_id=ending.avatar_asset_id)
    create_scene(conn, partner_of(ending.world), request)


def in_a_batch(conn: Connection, ending: Ending) -> None:
    scene = BatchScene(SceneOptions("neon-city"), avatar_asset_id=ending.avatar_asset_id)
    create_batch(conn, partner_of(ending.world), BatchRequest(RequestOptions("key"), scenes=(scene,)))


def by_retry(conn: Connection, ending: Ending) -> None:
    retry_job(conn, partner_of(ending.world), ending.older_id)


WAYS = pytest.mark.parametrize(
    "request_from", [by_job, by_asset, in_a_batch, by_retry], ids=lambda request: request.__name__
)
RequestFrom = Callable[[Connection, Ending], None]


@WAYS
def test_a_parent_that_another_request_starts_from_is_kept(
    engine: Engine, ending: Ending, request_from: RequestFrom
) -> None:
    with engine.connect() as user, ThreadPoolExecutor(1) as pool:
        request_from(user, ending)
        ended = pool.submit(lambda: _end(engine, ending))
        eventually(lambda: _waits(engine))
        user.commit()
        ended.result(scaled(20))
    assert _state(engine, ending.avatar_id) == State.SUCCEEDED
    assert _state(engine, ending.scene.id) == State.FAILED
    assert_roll_backs_took_nothing_owned(engine)


@WAYS
def test_a_request_that_starts_from_a_parent_being_rolled_back_is_refused(
    engine: Engine, ending: Ending, request_from: RequestFrom
) -> None:
    """The request waits for the job without locking anything that the roll-back needs, above all the wallet."""

    def refused_request() -> None:
        with engine.begin() as user, pytest.raises((NotReady, InputExpired)):
            request_from(user, ending)

    with engine.connect() as worker, ThreadPoolExecutor(1) as pool:
        assert lock_ending(worker, [ending.scene.id], [ending.scene.id]) == {ending.avatar_id}
        refused = pool.submit(refused_request)
        eventually(lambda: _waits(engine))
        assert record(worker, [move_of(ending.scene, o.Undone())]).moved
        worker.commit()
        refused.result(scaled(20))
    assert _state(engine, ending.avatar_id) == State.COMPENSATING


def _end(engine: Engine, ending: Ending) -> None:
    with engine.begin() as conn:
        assert record(conn, [move_of(ending.scene, o.Undone())]).moved


def _state(engine: Engine, job_id: UUID) -> object:
    with engine.connect() as conn:
        return conn.scalar(text("SELECT state FROM jobs WHERE id = :id"), {"id": job_id})


def _waits(engine: Engine) -> bool:
    with engine.connect() as conn:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(conn.scalar(text(query)))
