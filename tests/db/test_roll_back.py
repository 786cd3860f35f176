"""A roll-back sees what was asked for at that very moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, text

from db.ids import new_id
from db.jobs import lock_parent
from db.moves import record
from db.requests import insert_story
from statemachine import outcomes as o
from statemachine.states import Kind, OnFailure, State
from tests.eventually import eventually
from tests.factories import REFUSED, claimed, make_job, make_world, move_of
from tests.invariants import assert_roll_backs_took_nothing_owned
from tests.jobs.reviewers import partner_of


def test_a_parent_of_which_something_else_is_being_asked_for_stays(engine: Engine) -> None:
    story_id = new_id()
    with engine.begin() as conn:
        world = make_world(conn)
        insert_story(conn, world.owner, story_id, world.selfie_id)
        how = {"story_id": story_id, "on_failure": OnFailure.ROLL_BACK_PARENT}
        avatar = make_job(conn, world, State.SUCCEEDED, **how)
        scene = make_job(conn, world, State.GENERATING, kind=Kind.SCENE, parent_id=avatar, **how)
        record(conn, [move_of(claimed(conn, scene), o.GenerationFailed(REFUSED))])
        undoing = claimed(conn, scene)

    def end() -> None:
        with engine.begin() as conn:
            assert record(conn, [move_of(undoing, o.Undone())]).moved

    with engine.connect() as user, ThreadPoolExecutor(1) as worker:
        assert lock_parent(user, partner_of(world).scope, avatar) is not None
        make_job(user, world, kind=Kind.SCENE, parent_id=avatar)
        ended = worker.submit(end)
        eventually(lambda: _waits(engine))
        user.commit()
        ended.result(20)
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT state FROM jobs WHERE id = :id"), {"id": avatar}) == State.SUCCEEDED
        assert conn.scalar(text("SELECT state FROM jobs WHERE id = :id"), {"id": scene}) == State.FAILED
    assert_roll_backs_took_nothing_owned(engine)


def _waits(engine: Engine) -> bool:
    with engine.connect() as conn:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(conn.scalar(text(query)))
