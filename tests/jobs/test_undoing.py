"""Undoing: what is left of a job that ends badly is undone, recorded, and never dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.compensations import ActionFilter, action_page
from db.effects import AttemptChanged
from db.ids import new_id
from db.ledger import Balance, JobCredits, WalletKey, balance_of, credits_of_jobs
from db.moves import cancel, record
from db.paging import Window
from db.requests import insert_story
from jobs.advance import advance
from jobs.hints import Hinter
from jobs.recorder import Recorder
from jobs.redriving import retry_job
from jobs.reviewing import review_compensation
from jobs.steps.compensate import TRIES_MAX
from statemachine import outcomes as o
from statemachine.backoff import RetryPolicy
from statemachine.states import ErrorCode, Kind, OnFailure, State
from storage import ObjectInfo, S3Store
from tests.factories import REFUSED, World, advance_to, claimed, make_job, make_world, move_of
from tests.invariants import assert_credits_add_up, assert_sound
from tests.jobs.reviewers import SUPPORT
from tests.jobs.undoing import ScriptedProvider, Undoing

BROKEN = o.Failure(ErrorCode.INTERNAL, "It broke.", o.Cure.NEVER, "a bug")


class FrozenStore:
    """The store of a worker that is frozen before it lists what there is to delete."""

    def __init__(self, store: S3Store, meanwhile: Callable[[], None]) -> None:
        self._store = store
        self._meanwhile = meanwhile
        self.delete = store.delete

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._meanwhile()
        return self._store.list(prefix)


@pytest.fixture
def undoing(engine: Engine, store: S3Store) -> Undoing:
    return Undoing(engine, store)


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


def fail(engine: Engine, job_id: UUID, outcome: o.Outcome | None = None) -> None:
    """End the present step of a job for good."""
    with engine.begin() as conn:
        record(conn, [move_of(claimed(conn, job_id), outcome or o.StepFailed(BROKEN))])


def story(engine: Engine, world: World) -> tuple[UUID, UUID, UUID]:
    """Return a story whose avatar and scene are made and paid for, and whose video is being made."""
    story_id = new_id()
    with engine.begin() as conn:
        insert_story(conn, world.owner, story_id, world.selfie_id)
        how = {"story_id": story_id, "credits": 5, "on_failure": OnFailure.ROLL_BACK_PARENT}
        avatar = make_job(conn, world, State.SUCCEEDED, **how)
        scene = make_job(conn, world, State.SUCCEEDED, kind=Kind.SCENE, parent_id=avatar, **how)
        video = make_job(conn, world, State.GENERATING, kind=Kind.ANIMATION, parent_id=scene, **how)
    return avatar, scene, video


def test_what_is_to_be_undone_is_written_with_the_move_whoever_makes_it(
    engine: Engine, world: World, undoing: Undoing
) -> None:
    with engine.begin() as conn:
        queued, generating = make_job(conn, world, credits=5), make_job(conn, world, State.GENERATING, credits=5)
        for job_id in (queued, generating):
            cancel(conn, job_id, "test")
    assert undoing.actions(queued) == {"return_credits": "pending"}
    assert undoing.actions(generating) == {
        "cancel_prediction": "pending",
        "delete_objects": "pending",
        "return_credits": "pending",
    }


def test_undoing_cancels_the_prediction_deletes_the_objects_and_returns_the_credits(
    engine: Engine, world: World, undoing: Undoing
) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING, credits=5)
        cancel(conn, job_id, "test")
    undoing.put(job_id, "1/source.png", "1/avatar.png")
    assert undoing.undo(job_id) == "canceled"
    assert len(undoing.provider.canceled) == 1
    assert undoing.objects(job_id) == []
    assert set(undoing.actions(job_id).values()) == {"done"}
    with engine.connect() as conn:
        assert balance_of(conn, WalletKey(world.owner.account_id)) == Balance(10_000, 0)
    assert_credits_add_up(engine)


def test_what_fails_is_tried_again_and_what_was_done_is_not(engine: Engine, world: World, undoing: Undoing) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        cancel(conn, job_id, "test")
    undoing.provider.fails = 1
    assert undoing.undo(job_id) == "compensating"
    assert undoing.actions(job_id) == {"cancel_prediction": "pending", "delete_objects": "done"}
    undoing.put(job_id, "left-later.png")
    assert undoing.undo(job_id) == "canceled"
    assert undoing.objects(job_id) == ["left-later.png"]


def test_one_that_comes_late_deletes_nothing_of_a_job_that_has_succeeded_since(
    engine: Engine, world: World, undoing: Undoing
) -> None:
    """The job went on from its source, so what it has made lies under the keys of the same submission."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.TRANSCODING, credits=5)
    undoing.put(job_id, "1/source.png")
    fail(engine, job_id)

    def others_finish() -> None:
        assert undoing.undo(job_id) == "failed"
        with engine.begin() as conn:
            retry_job(conn, SUPPORT, job_id)
            advance_to(conn, job_id, State.SUCCEEDED)
        undoing.put(job_id, "1/avatar.png")

    late = replace(undoing, store=cast("S3Store", FrozenStore(undoing.store, others_finish)))
    assert late.undo(job_id) == "succeeded"
    assert undoing.objects(job_id) == ["1/avatar.png", "1/source.png"]


@pytest.mark.parametrize(
    ("provider", "tries"), [(ScriptedProvider(99), TRIES_MAX), (ScriptedProvider(99, o.Cure.NEVER), 1)]
)
def test_what_can_not_be_undone_is_held_with_its_reason_and_the_job_ends(
    engine: Engine, world: World, undoing: Undoing, provider: ScriptedProvider, tries: int
) -> None:
    undoing.provider = provider
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING, credits=5)
        cancel(conn, job_id, "test")
    states = [undoing.undo(job_id) for _ in range(tries)]
    assert states == ["compensating"] * (tries - 1) + ["canceled"]
    with engine.connect() as conn:
        held = action_page(conn, ActionFilter(states=["held"]), Window(10)).items
    assert [(each.job_id, each.action, each.tries, each.last_error) for each in held] == [
        (job_id, "cancel_prediction", tries, "it said 503")
    ]
    assert_credits_add_up(engine)


def test_what_kills_the_workers_that_undo_it_is_held_and_the_job_ends(
    engine: Engine, world: World, undoing: Undoing, hinter: Hinter
) -> None:
    """It would be tried at the end of each lease otherwise, for ever, and the credits stay held."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING, credits=5)
        cancel(conn, job_id, "test")
        for _ in range(RetryPolicy().claims_max):
            claimed(conn, job_id)
        claim = claimed(conn, job_id).claim
    undoing.put(job_id, "1/source.png")
    recorder = Recorder(engine, hinter)
    advance(claim, replace(undoing.runtime, recorder=recorder))
    recorder.close()
    assert undoing.state(job_id) == "canceled"
    assert undoing.actions(job_id) == {"cancel_prediction": "held", "delete_objects": "held", "return_credits": "done"}
    with engine.connect() as conn:
        held = action_page(conn, ActionFilter(states=["held"]), Window(10)).items
    assert {each.last_error for each in held} == {"6 claims without a result: what is left is held for review"}
    review(engine, job_id, "delete_objects")
    undoing.undo_all()
    assert undoing.objects(job_id) == []
    assert_credits_add_up(engine)
    assert_sound(engine)


@pytest.mark.parametrize("waive", [True, False])
def test_support_waives_what_is_held_or_has_it_tried_again(
    engine: Engine, world: World, undoing: Undoing, waive: bool
) -> None:
    undoing.provider = ScriptedProvider(1, o.Cure.NEVER)
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        cancel(conn, job_id, "test")
    undoing.undo(job_id)
    with engine.begin() as conn:
        review_compensation(conn, SUPPORT, job_id, "cancel_prediction", waive=waive, note="looked at it")
    assert undoing.state(job_id) == ("canceled" if waive else "compensating")
    undoing.undo_all()
    assert undoing.state(job_id) == "canceled"
    assert undoing.actions(job_id)["cancel_prediction"] == ("waived" if waive else "done")
    assert len(undoing.provider.canceled) == (not waive)
    assert_sound(engine)


def try_again(engine: Engine, job_id: UUID, *path: State) -> None:
    """Have an ended job begin another cycle, and come to these states."""
    with engine.begin() as conn:
        retry_job(conn, SUPPORT, job_id)
        for state in path:
            advance_to(conn, job_id, state)


def review(engine: Engine, job_id: UUID, action: str, *, waive: bool = False) -> None:
    with engine.begin() as conn:
        review_compensation(conn, SUPPORT, job_id, action, waive=waive, note=None)


def attempts(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as conn:
        rows = conn.execute(
            text("SELECT attempt, status, prediction_id, source_key IS NOT NULL FROM attempts ORDER BY attempt")
        )
        return [tuple(row) for row in rows]


def test_a_cancel_that_was_held_is_of_the_submission_it_was_planned_for(
    engine: Engine, world: World, undoing: Undoing
) -> None:
    """The job has made another one since, and that has ended by itself."""
    undoing.provider = ScriptedProvider(1, o.Cure.NEVER)
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        cancel(conn, job_id, "test")
    assert undoing.undo(job_id) == "canceled"
    ((_, _, first, _),) = attempts(engine)
    try_again(engine, job_id, State.SUBMITTING, State.GENERATING)
    with engine.begin() as conn:
        job = claimed(conn, job_id)
        failed = AttemptChanged(job_id, job.attempt, "failed", cost_micros=0)
        record(conn, [move_of(job, o.GenerationFailed(REFUSED), failed)])
    assert undoing.undo(job_id) == "failed"
    review(engine, job_id, "cancel_prediction")
    assert undoing.undo(job_id) == "failed"
    assert undoing.provider.canceled == [first]
    assert [status for _, status, *_ in attempts(engine)] == ["canceled", "failed"]


@pytest.mark.parametrize(("path", "attempt"), [((State.SUBMITTING, State.GENERATING, State.STORING), 2), ((), 1)])
def test_deleting_what_an_earlier_try_left_spares_what_the_last_one_keeps(
    engine: Engine, world: World, undoing: Undoing, path: tuple[State, ...], attempt: int
) -> None:
    """The last try may have been made of another submission, or have gone on from the same one."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.STORING)
        cancel(conn, job_id, "test")
        conn.execute(text("UPDATE compensation_actions SET state = 'held', last_error = 'it said 503'"))
        if path:
            conn.execute(text("UPDATE attempts SET completed_at = completed_at - interval '1 hour'"))
    assert undoing.undo(job_id) == "canceled"
    try_again(engine, job_id, *path)
    with engine.begin() as conn:
        job = claimed(conn, job_id)
        source = AttemptChanged(job_id, attempt, "succeeded", source_key=f"jobs/{job_id}/{attempt}/source.png")
        record(conn, [move_of(job, o.Stored("k", "image/png", 1, "00"), source)])
    undoing.put(job_id, f"{attempt}/source.png")
    fail(engine, job_id)
    assert undoing.undo(job_id) == "failed"
    undoing.put(job_id, "1/left.png", "2/left.png")
    review(engine, job_id, "delete_objects")
    assert undoing.undo(job_id) == "failed"
    assert undoing.objects(job_id) == sorted([f"{attempt}/source.png", "2/left.png"])
    assert attempts(engine)[-1][-1], "it is still there to begin with"


def test_a_failed_video_takes_its_story_along_and_every_credit_returns(
    engine: Engine, world: World, undoing: Undoing
) -> None:
    avatar, scene, video = story(engine, world)
    for made in (avatar, scene):
        undoing.put(made, "1/source.png", "1/out.png")
    fail(engine, video, o.GenerationFailed(REFUSED))
    undoing.undo_all()
    with engine.connect() as conn:
        rows = conn.execute(text("SELECT id, state, error_code FROM jobs ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [
            (avatar, "failed", "rolled_back"),
            (scene, "failed", "rolled_back"),
            (video, "failed", "content_rejected"),
        ]
        assert set(conn.scalars(text("SELECT state FROM assets WHERE kind <> 'selfie'"))) == {"deleted"}
        assert conn.scalar(text("SELECT count(source_key) FROM attempts")) == 0
        assert credits_of_jobs(conn, [scene]) == {scene: JobCredits(0, charged=5, refunded=5)}
        assert balance_of(conn, WalletKey(world.owner.account_id)) == Balance(10_000, 0)
    assert undoing.objects(avatar) == undoing.objects(scene) == []
    assert_credits_add_up(engine)
    assert_sound(engine)


def test_a_canceled_video_keeps_what_was_made_for_it(engine: Engine, world: World, undoing: Undoing) -> None:
    avatar, scene, video = story(engine, world)
    with engine.begin() as conn:
        cancel(conn, video, "test")
    undoing.undo_all()
    assert [undoing.state(each) for each in (avatar, scene, video)] == ["succeeded", "succeeded", "canceled"]


def test_what_the_user_made_earlier_is_never_rolled_back(engine: Engine, world: World, undoing: Undoing) -> None:
    """An avatar of its own, and one of a story that another scene was made from."""
    how = {"on_failure": OnFailure.ROLL_BACK_PARENT}
    with engine.begin() as conn:
        own = make_job(conn, world, State.SUCCEEDED)
        scene = make_job(conn, world, State.GENERATING, kind=Kind.SCENE, parent_id=own, **how)
    fail(engine, scene)
    undoing.undo_all()
    assert (undoing.state(own), undoing.state(scene)) == ("succeeded", "failed")
    avatar, scene, video = story(engine, world)
    with engine.begin() as conn:
        make_job(conn, world, State.SUCCEEDED, kind=Kind.SCENE, parent_id=avatar)
    fail(engine, video)
    undoing.undo_all()
    assert [undoing.state(each) for each in (avatar, scene, video)] == ["succeeded", "failed", "failed"]
    assert undoing.actions(scene)["roll_back_parent"] == "done"


def test_an_asset_that_another_job_works_on_is_not_taken_away(engine: Engine, world: World, undoing: Undoing) -> None:
    avatar, _, video = story(engine, world)
    with engine.begin() as conn:
        other = make_job(conn, world, kind=Kind.SCENE)
        conn.execute(
            text(
                "UPDATE job_requests SET input_id = (SELECT output_id FROM jobs WHERE id = :avatar) WHERE job_id = :id"
            ),
            {"avatar": avatar, "id": other},
        )
    fail(engine, video)
    undoing.undo_all()
    assert undoing.state(avatar) == "succeeded"
