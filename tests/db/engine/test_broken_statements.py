"""The promises that stand in SQL: each is kept by the real statement, and broken without one line of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from db import statements
from db.engine.provider_webhooks import Webhook, take_webhook
from db.engine.recording import record
from db.ids import new_id
from db.records.ledger import settle_credits
from db.records.requests import insert_story
from statemachine import outcomes as o
from statemachine.vocabulary import Kind, OnFailure, State
from tests.support.factories import REFUSED, World, claimed, make_job, make_world, move_of
from tests.support.invariants import assert_credits_add_up


def a_worker_without_its_lease_moves_nothing(engine: Engine, world: World) -> None:
    """Lease a job to two workers in turn: only the second may record."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        late, current = claimed(conn, job_id), claimed(conn, job_id)
        assert record(conn, [move_of(late, o.StillRunning(10, 1.0))]).moved == {}
        assert job_id in record(conn, [move_of(current, o.StillRunning(20, 1.0))]).moved


def a_webhook_fences_off_a_search(engine: Engine, world: World) -> None:
    """Name the prediction while a worker searches for it: that worker may not record its absence."""
    with engine.begin() as conn:
        searched = claimed(conn, make_job(conn, world, State.RECONCILING))
        take_webhook(conn, Webhook(uuid4().hex, searched.token, "prediction", False, "{}"))
        assert record(conn, [move_of(searched, o.OrphanAbsent())]).moved == {}


def credits_are_settled_once(engine: Engine, world: World) -> None:
    """Settle a failed job's credits again, as a repeated commit would."""
    with engine.begin() as conn:
        failed = make_job(conn, world, State.FAILED, credits=5)
        settle_credits(conn, succeeded=[], ended=[failed])
    assert_credits_add_up(engine)


def a_roll_back_refunds_the_charge(engine: Engine, world: World) -> None:
    """Fail the scene of a charged avatar, whose story takes the avatar back."""
    with engine.begin() as conn:
        story_id = new_id()
        insert_story(conn, world.owner, story_id, world.selfie_id)
        avatar = make_job(conn, world, State.SUCCEEDED, story_id=story_id, credits=5)
        scene = _scene_of(conn, world, avatar, story_id)
        record(conn, [move_of(claimed(conn, scene), o.GenerationFailed(REFUSED))])
        for job_id in (scene, avatar):
            assert job_id in record(conn, [move_of(claimed(conn, job_id), o.Undone())]).moved
        states = conn.scalars(text("SELECT state FROM jobs WHERE id = :id"), {"id": avatar}).all()
        assert states == [State.FAILED]
    assert_credits_add_up(engine)


def _scene_of(conn: Connection, world: World, avatar: UUID, story_id: UUID) -> UUID:
    """Add a generating scene whose failure rolls back its avatar."""
    rolls_back = OnFailure.ROLL_BACK_PARENT
    return make_job(
        conn,
        world,
        State.GENERATING,
        kind=Kind.SCENE,
        parent_id=avatar,
        story_id=story_id,
        on_failure=rolls_back,
        credits=5,
    )


# The promise, the file that keeps it, and the line without which it does not.
PROMISES: tuple[tuple[Callable[[Engine, World], None], str, str], ...] = (
    (
        a_worker_without_its_lease_moves_nothing,
        "record_moves",
        "AND m.lease IS NOT DISTINCT FROM "
        "CASE WHEN m.lease IS NOT NULL AND j.lease_expires_at IS NOT NULL THEN j.lease END",
    ),
    (
        a_webhook_fences_off_a_search,
        "take_webhook",
        "lease = j.lease + CASE WHEN seen.noted_prediction_id IS NULL THEN 1 ELSE 0 END,\n        lease_expires_at = "
        "CASE WHEN seen.noted_prediction_id IS NULL THEN NULL ELSE j.lease_expires_at END,\n        claimed_by = CASE "
        "WHEN seen.noted_prediction_id IS NULL THEN NULL ELSE j.claimed_by END,",
    ),
    (
        credits_are_settled_once,
        "settle_credits",
        "AND NOT EXISTS (SELECT FROM ledger_entries later WHERE later.of_id = e.id)",
    ),
    (a_roll_back_refunds_the_charge, "settle_credits", "WHEN e.kind = 'charge' THEN 'refund'"),
)
NAMED = pytest.mark.parametrize(
    ("promise", "name", "line"), PROMISES, ids=[promise[0].__name__ for promise in PROMISES]
)


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


@pytest.fixture
def remove_from(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Remove a line from a named statement until the test ends; raise ValueError for a line that it does not have."""
    real = statements.source_of

    def remove(name: str, line: str) -> None:
        if line not in real(name):
            raise ValueError(f"{name}.sql does not contain: {line}")
        monkeypatch.setattr(statements, "source_of", lambda n: real(n).replace(line, "") if n == name else real(n))
        _read_anew()

    yield remove
    monkeypatch.undo()
    _read_anew()


def _read_anew() -> None:
    """Drop the statements that were read, so that the next call reads their files."""
    statements.statement.cache_clear()
    statements._for_driver.cache_clear()


@NAMED
def test_the_statement_keeps_its_promise(
    engine: Engine, world: World, promise: Callable[[Engine, World], None], name: str, line: str
) -> None:
    promise(engine, world)


@NAMED
def test_a_statement_without_one_line_is_caught(
    engine: Engine,
    world: World,
    remove_from: Callable[[str, str], None],
    promise: Callable[[Engine, World], None],
    name: str,
    line: str,
) -> None:
    remove_from(name, line)
    # The database itself refuses to settle an entry twice.
    with pytest.raises((AssertionError, IntegrityError)):
        promise(engine, world)
