"""Transactions that lock the same jobs in one order never deadlock (`db.engine.locking`).

Each pair runs again and again on two connections. Every transaction is rolled back, so all of them find the same rows.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from db.engine.claims import ClaimedJob, release
from db.engine.commands import cancel
from db.engine.provider_webhooks import Webhook, take_webhook
from db.engine.recording import record
from db.engine.row_changes import AttemptChanged
from db.engine.spending import Settled, settle
from db.ids import new_id
from db.records.requests import insert_story
from jobs.errors import UseCaseError
from jobs.requesting.creation import create_scene
from jobs.requesting.requests import RequestOptions, SceneOptions, SceneRequest
from jobs.support.redriving import RedriveOptions, retry_job, revive_found
from jobs.support.reviewing import review_compensation
from statemachine import outcomes as o
from statemachine.vocabulary import Kind, OnFailure, State
from tests.support.factories import BROKEN, REFUSED, World, claimed, make_job, make_world, move_of
from tests.support.principals import SUPPORT, partner_of

FEW, SOME, MANY = 15, 40, 1_000


@dataclass(frozen=True)
class Family:
    """A story's avatar, its scene that is about to end, a job with a lost submission, and a running parent."""

    world: World
    avatar_id: UUID
    scene: ClaimedJob
    lost: ClaimedJob
    running: ClaimedJob
    failed: tuple[UUID, ...]


@pytest.fixture
def family(engine: Engine) -> Family:
    story_id = new_id()
    with engine.begin() as conn:
        world = make_world(conn)
        insert_story(conn, world.owner, story_id, world.selfie_id)
        how: dict[str, Any] = {"story_id": story_id, "on_failure": OnFailure.ROLL_BACK_PARENT}
        avatar = make_job(conn, world, State.SUCCEEDED, **how)
        scene = make_job(conn, world, State.GENERATING, kind=Kind.SCENE, parent_id=avatar, credits=5, **how)
        record(conn, [move_of(claimed(conn, scene), o.GenerationFailed(BROKEN))])
        failed = tuple(
            make_job(conn, world, State.FAILED, kind=Kind.SCENE, parent_id=avatar, credits=1) for _ in range(2)
        )
        running = make_job(conn, world, State.GENERATING)
        make_job(conn, world, State.WAITING, kind=Kind.SCENE, parent_id=running)
        lost = make_job(conn, world, State.RECONCILING)
        conn.execute(
            text(
                "INSERT INTO compensation_actions (job_id, cycle, attempt, action, state, last_error) "
                "VALUES (:id, 9, 1, 'delete_objects', 'needs_review', 'busy')"
            ),
            {"id": scene},
        )
        return Family(
            world, avatar, claimed(conn, scene), claimed(conn, lost), claimed(conn, running), (*failed, scene)
        )


Act = Callable[[Connection, Family], object]


def roll_back(conn: Connection, family: Family) -> object:
    group = [move_of(family.scene, o.Undone()), move_of(family.running, o.StillRunning(10, 1.0))]
    return record(conn, group)


def fail(conn: Connection, family: Family) -> object:
    return record(conn, [move_of(family.running, o.GenerationFailed(REFUSED))])


def adopt(conn: Connection, family: Family) -> object:
    changed = AttemptChanged(family.lost.id, family.lost.attempt, "running", prediction_id="found")
    return record(conn, [move_of(family.lost, o.OrphanFound("found"), changed)])


def keep_running(conn: Connection, family: Family) -> object:
    changed = AttemptChanged(family.running.id, family.running.attempt, "running")
    return record(conn, [move_of(family.running, o.StillRunning(10, 1.0), changed)])


def retry(conn: Connection, family: Family) -> object:
    return retry_job(conn, partner_of(family.world), family.scene.id)


def redrive(conn: Connection, family: Family) -> object:
    return revive_found(conn, family.failed[:2], RedriveOptions(SUPPORT.actor, None, timedelta(hours=1)))


def undo_again(conn: Connection, family: Family) -> object:
    return review_compensation(conn, SUPPORT, family.scene.id, "delete_objects", waive=False, note=None)


def request(conn: Connection, family: Family) -> object:
    wanted = SceneRequest(RequestOptions(uuid4().hex), SceneOptions("neon-city"), avatar_job_id=family.avatar_id)
    return create_scene(conn, partner_of(family.world), wanted)


def cancel_running(conn: Connection, family: Family) -> object:
    return cancel(conn, family.running.id, "api")


def webhook(conn: Connection, family: Family) -> object:
    assert family.running.token is not None
    assert family.running.prediction_id is not None
    return take_webhook(conn, Webhook(uuid4().hex, family.running.token, family.running.prediction_id, True, "{}"))


def settle_orphan(conn: Connection, family: Family) -> object:
    return settle(conn, [Settled(family.lost.id, family.lost.attempt, "canceled", True, cost_micros=1)])


def return_claims(conn: Connection, family: Family) -> object:
    return release(conn, [family.running.claim, family.scene.claim])


PAIRS = (
    (retry, roll_back),
    (redrive, roll_back),
    (request, roll_back),
    (undo_again, roll_back),
    (return_claims, roll_back),
    (cancel_running, fail),
    (cancel_running, keep_running),
    (webhook, keep_running),
    (settle_orphan, adopt),
)


def repeat(engine: Engine, family: Family, act: Act, times: int, together: Barrier) -> None:
    with engine.connect() as conn:
        for _ in range(times):
            together.wait(60)
            conn.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
            try:
                act(conn, family)
            except UseCaseError:
                pass
            finally:
                conn.rollback()


def collide(engine: Engine, family: Family, one: Act, other: Act, times: int) -> None:
    together = Barrier(2)

    def run(act: Act) -> None:
        try:
            repeat(engine, family, act, times, together)
        except BaseException:
            together.abort()
            raise

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(run, act) for act in (one, other)]:
            done.result()


def deadlocks(engine: Engine) -> int:
    with engine.connect() as conn:
        count = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(conn.scalar(count) or 0)


@pytest.mark.parametrize(
    "times", [FEW, pytest.param(SOME, marks=pytest.mark.faults), pytest.param(MANY, marks=pytest.mark.thorough)]
)
def test_transactions_that_lock_the_same_jobs_never_deadlock(engine: Engine, family: Family, times: int) -> None:
    before = deadlocks(engine)
    for one, other in PAIRS:
        try:
            collide(engine, family, one, other, times)
        except OperationalError as error:
            pytest.fail(f"{one.__name__} against {other.__name__}: {error.orig}")
    assert deadlocks(engine) == before
