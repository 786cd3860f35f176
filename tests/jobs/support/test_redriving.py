"""A redrive continues a job that ended badly where it stopped, without paying twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.engine.commands import cancel, redrive
from db.engine.locking import lock_job
from db.engine.moves import LockedMove
from db.engine.recording import record
from db.records.ledger import Balance, WalletKey, balance_of, post_entry
from jobs.errors import AlreadyFinished, InsufficientCredits, NotFound, NotReady
from jobs.support.redriving import retry_job
from statemachine import commands
from statemachine import outcomes as o
from statemachine.backoff import JobPolicy
from statemachine.steps import Kept, resuming_state
from statemachine.vocabulary import ErrorCode, Kind, OnFailure, State
from storage import S3Store
from tests.jobs.steps.undoing import Undoing, fail, story
from tests.support.factories import BROKEN, World, claimed, make_job, make_world, move_of
from tests.support.invariants import assert_credits_add_up, assert_sound
from tests.support.principals import partner_of


@pytest.fixture
def undoing(engine: Engine, store: S3Store) -> Undoing:
    return Undoing(engine, store)


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


def row(engine: Engine, job_id: UUID) -> Any:
    with engine.connect() as conn:
        return conn.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job_id}).one()


def retry(engine: Engine, world: World, job_id: UUID) -> frozenset[UUID]:
    with engine.begin() as conn:
        return retry_job(conn, partner_of(world), job_id).revived


def ended(engine: Engine, world: World, undoing: Undoing, state: State, outcome: o.Outcome) -> UUID:
    """Return a job that failed for good in `state`, with the objects it had left."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, state, credits=5)
    undoing.put(job_id, "1/source.png", "1/half.png")
    fail(engine, job_id, outcome)
    undoing.undo_all()
    return job_id


def test_a_stored_output_is_not_paid_for_again(engine: Engine, world: World, undoing: Undoing) -> None:
    """Only the source is kept, and a redrive continues from it."""
    job_id = ended(engine, world, undoing, State.TRANSCODING, o.StepFailed(BROKEN))
    assert undoing.objects(job_id) == ["1/source.png"]
    retry(engine, world, job_id)
    now = row(engine, job_id)
    assert (now.state, now.cycle, now.attempt, now.error_code) == (resuming_state(Kept.SOURCE), 2, 1, None)
    with engine.begin() as conn:
        assert claimed(conn, job_id).source_key == f"jobs/{job_id}/1/source.png"
    assert_sound(engine)
    assert_credits_add_up(engine)


def test_an_output_that_the_provider_still_has_is_fetched_again(engine: Engine, world: World, undoing: Undoing) -> None:
    job_id = ended(engine, world, undoing, State.STORING, o.StepFailed(BROKEN))
    retry(engine, world, job_id)
    assert row(engine, job_id).state == "storing"


def test_an_output_that_has_expired_is_generated_again(engine: Engine, world: World, undoing: Undoing) -> None:
    job_id = ended(engine, world, undoing, State.STORING, o.StepFailed(BROKEN))
    with engine.begin() as conn:
        conn.execute(text("SET LOCAL diorama.clock_offset = '51 minutes'"))
        retry_job(conn, partner_of(world), job_id)
    assert row(engine, job_id).state == "queued"


def test_an_unusable_output_is_neither_kept_nor_used(engine: Engine, world: World, undoing: Undoing) -> None:
    unusable = o.Failure(ErrorCode.OUTPUT_INVALID, "unusable", o.RetryPolicy.NEVER)
    job_id = ended(engine, world, undoing, State.TRANSCODING, o.OutputInvalid(unusable))
    assert undoing.objects(job_id) == []
    retry(engine, world, job_id)
    assert row(engine, job_id).state == "queued"


def test_a_new_cycle_has_its_own_deadline_attempts_and_credit_hold(
    engine: Engine, world: World, undoing: Undoing
) -> None:
    job_id = ended(engine, world, undoing, State.GENERATING, o.GenerationFailed(BROKEN))
    with engine.begin() as conn:
        conn.execute(
            text("UPDATE jobs SET accepted = 4, failures = 3, deadline_at = now() WHERE id = :id"), {"id": job_id}
        )
    retry(engine, world, job_id)
    with engine.begin() as conn:
        job = claimed(conn, job_id)
        assert balance_of(conn, WalletKey(world.owner.account_id)) == Balance(9_995, 5)
    assert (job.state, job.accepted, job.failures) == (State.QUEUED, 0, 0)
    assert job.deadline_at > job.claimed_at + timedelta(hours=5)
    assert job.accepted < JobPolicy().attempts_max


def test_a_redrive_without_credits_revives_no_job(engine: Engine, world: World, undoing: Undoing) -> None:
    job_id = ended(engine, world, undoing, State.GENERATING, o.GenerationFailed(BROKEN))
    with engine.begin() as conn:
        post_entry(conn, WalletKey(world.owner.account_id), "adjust", -9_999, actor="test", reason="spent elsewhere")
    with pytest.raises(InsufficientCredits) as refused:
        retry(engine, world, job_id)
    assert (refused.value.required, refused.value.available) == (5, 1)
    assert row(engine, job_id).state == "failed"


def test_children_that_failed_with_their_parent_are_revived_with_it(
    engine: Engine, world: World, undoing: Undoing
) -> None:
    with engine.begin() as conn:
        avatar = make_job(conn, world, State.GENERATING)
        scene = make_job(conn, world, State.WAITING, kind=Kind.SCENE, parent_id=avatar, credits=5)
        video = make_job(conn, world, State.WAITING, kind=Kind.ANIMATION, parent_id=scene)
        own_fault = make_job(conn, world, State.WAITING, kind=Kind.SCENE, parent_id=avatar)
        cancel(conn, own_fault, "api")
    fail(engine, avatar)
    undoing.undo_all()
    assert retry(engine, world, avatar) == {avatar, scene, video}
    assert [undoing.state(each) for each in (avatar, scene, video, own_fault)] == [
        "queued",
        "waiting",
        "waiting",
        "canceled",
    ]
    assert_credits_add_up(engine)
    assert_sound(engine)


def test_rolled_back_parents_are_made_again_first(engine: Engine, world: World, undoing: Undoing) -> None:
    avatar, scene, video = story(engine, world)
    fail(engine, video)
    undoing.undo_all()
    assert retry(engine, world, video) == {avatar, scene, video}
    assert [undoing.state(each) for each in (avatar, scene, video)] == ["queued", "waiting", "waiting"]
    assert_credits_add_up(engine)


def test_a_parent_that_was_kept_is_not_made_again(engine: Engine, world: World, undoing: Undoing) -> None:
    avatar, scene, video = story(engine, world, OnFailure.ROLL_BACK_PARENT)
    fail(engine, video)
    undoing.undo_all()
    assert retry(engine, world, video) == {scene, video}
    assert [row(engine, each).state for each in (avatar, scene, video)] == ["succeeded", "queued", "waiting"]
    assert_credits_add_up(engine)


def test_only_a_failed_or_canceled_job_can_be_retried(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        succeeded, running = make_job(conn, world, State.SUCCEEDED), make_job(conn, world, State.GENERATING)
        compensating, failed = make_job(conn, world, State.COMPENSATING), make_job(conn, world, State.FAILED)
        stranger = partner_of(make_world(conn))
    for job_id, error in ((succeeded, AlreadyFinished), (running, NotReady), (compensating, NotReady)):
        with pytest.raises(error):
            retry(engine, world, job_id)
    with pytest.raises(NotFound), engine.begin() as conn:
        retry_job(conn, stranger, failed)


def test_a_redrive_of_a_job_that_has_moved_on_changes_nothing(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.FAILED)
        job = lock_job(conn, job_id)
        assert job is not None
        decision = commands.redrive(job, State.QUEUED, deadline=timedelta(hours=1), reason=None)
        assert decision is not None
        again = [LockedMove(job_id, State.FAILED, decision, "api")]
        assert redrive(conn, again) == {job_id}
        assert redrive(conn, again) == set()


def test_a_worker_with_an_old_lease_changes_nothing_after_a_redrive(
    engine: Engine, world: World, undoing: Undoing
) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        stale = claimed(conn, job_id)
        cancel(conn, job_id, "api")
    undoing.undo_all()
    retry(engine, world, job_id)
    with engine.begin() as conn:
        recorded = record(conn, [move_of(stale, o.GenerationFailed(BROKEN))])
    assert recorded.moved == {}
    assert undoing.state(job_id) == "queued"
