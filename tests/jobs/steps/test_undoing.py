"""A job that ends badly is compensated, action by action, and no action is dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import Engine, text

from db.engine.commands import cancel, undo_again
from db.engine.compensations import ActionFilter, action_page
from db.ids import new_id
from db.paging import Window
from db.records.ledger import Balance, JobCredits, WalletKey, balance_of, credits_of_jobs
from jobs.steps.compensate import TRIES_MAX
from jobs.support.redriving import retry_job
from statemachine import outcomes as o
from statemachine.steps import FINISHING_STATES, Kept, resuming_state
from statemachine.vocabulary import Kind, OnFailure, State
from storage import S3Store
from tests.jobs.steps.undoing import Undoing, fail, story
from tests.support.factories import REFUSED, World, advance_to, make_job
from tests.support.invariants import assert_credits_add_up, assert_sound
from tests.support.principals import SUPPORT
from tests.support.scripted import FrozenStore, ScriptedProvider


def test_compensating_actions_are_written_with_the_move(engine: Engine, world: World, undoing: Undoing) -> None:
    with engine.begin() as conn:
        queued, generating = make_job(conn, world, credits=5), make_job(conn, world, State.GENERATING, credits=5)
        for job_id in (queued, generating):
            cancel(conn, job_id, "api")
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
        cancel(conn, job_id, "api")
    undoing.put(job_id, "1/source.png", "1/avatar.png")
    assert undoing.undo(job_id) == "canceled"
    assert len(undoing.provider.canceled) == 1
    assert undoing.objects(job_id) == []
    assert set(undoing.actions(job_id).values()) == {"done"}
    with engine.connect() as conn:
        assert balance_of(conn, WalletKey(world.owner.account_id)) == Balance(10_000, 0)
    assert_credits_add_up(engine)


def test_a_failed_action_is_retried_and_a_done_one_is_not(engine: Engine, world: World, undoing: Undoing) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        cancel(conn, job_id, "api")
    undoing.provider.fails = 1
    assert undoing.undo(job_id) == "compensating"
    assert undoing.actions(job_id) == {"cancel_prediction": "pending", "delete_objects": "done"}
    undoing.put(job_id, "left-later.png")
    assert undoing.undo(job_id) == "canceled"
    assert undoing.objects(job_id) == ["left-later.png"]


def test_a_late_worker_deletes_no_object_of_a_job_that_has_succeeded_since(
    engine: Engine, world: World, undoing: Undoing
) -> None:
    """The job went on from its source, so its output has keys of the same submission."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.TRANSCODING, credits=5)
    undoing.put(job_id, "1/source.png")
    fail(engine, job_id)

    def others_finish() -> None:
        assert undoing.undo(job_id) == "failed"
        with engine.begin() as conn:
            retry_job(conn, SUPPORT, job_id)
            resumed = FINISHING_STATES.index(resuming_state(Kept.SOURCE))
            for state in (*FINISHING_STATES[resumed + 1 :], State.SUCCEEDED):
                advance_to(conn, job_id, state)
        undoing.put(job_id, "1/avatar.png")

    late = replace(undoing, store=cast("S3Store", FrozenStore(undoing.store, others_finish)))
    assert late.undo(job_id) == "succeeded"
    assert undoing.objects(job_id) == ["1/avatar.png", "1/source.png"]


@pytest.mark.parametrize(
    ("provider", "tries"), [(ScriptedProvider(99), TRIES_MAX), (ScriptedProvider(99, o.RetryPolicy.NEVER), 1)]
)
def test_an_action_that_cannot_be_done_needs_review_and_the_job_ends(
    engine: Engine, world: World, undoing: Undoing, provider: ScriptedProvider, tries: int
) -> None:
    undoing.provider = provider
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING, credits=5)
        cancel(conn, job_id, "api")
    states = [undoing.undo(job_id) for _ in range(tries)]
    assert states == ["compensating"] * (tries - 1) + ["canceled"]
    with engine.connect() as conn:
        in_review = action_page(conn, ActionFilter(states=["needs_review"]), Window(10)).items
    assert [(each.job_id, each.action, each.tries, each.last_error) for each in in_review] == [
        (job_id, "cancel_prediction", tries, "it said 503")
    ]
    assert_credits_add_up(engine)


def test_a_failed_video_rolls_back_its_story_and_returns_every_credit(
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


@pytest.mark.parametrize(("other", "stays"), [("ready", True), ("missing", True), ("deleted", False)])
def test_rolling_back_spares_objects_that_another_file_names(
    engine: Engine, world: World, undoing: Undoing, other: str, stays: bool
) -> None:
    """Neither what the story was made from nor what another file has as well, also as its rendition, is the job's."""
    avatar, scene, video = story(engine, world)
    undoing.put(avatar, "1/1/avatar.png", "1/1/avatar-320.webp", "1/1/source.png")
    with engine.begin() as conn:
        selfie = conn.scalar(text("SELECT object_key FROM assets WHERE id = :id"), {"id": world.selfie_id})
        conn.execute(
            text(
                "WITH other AS (INSERT INTO assets (id, account_id, kind, state, object_key, content_type, size_bytes, "
                "sha256) VALUES (:id, :account, 'avatar', :state, :key, 'image/png', 1, '00') RETURNING id) "
                "INSERT INTO renditions (asset_id, width_px, height_px, object_key, content_type, size_bytes, sha256) "
                "SELECT id, 320, 320, :rendition, 'image/webp', 1, '00' FROM other"
            ),
            {
                "id": new_id(),
                "account": world.owner.account_id,
                "state": other,
                "key": f"jobs/{avatar}/1/1/avatar.png",
                "rendition": f"jobs/{avatar}/1/1/avatar-320.webp",
            },
        )
    undoing.store.put_stream(str(selfie), [b"x"], content_type="image/jpeg", max_bytes=1)
    fail(engine, video, o.GenerationFailed(REFUSED))
    undoing.undo_all()
    assert [undoing.state(each) for each in (avatar, scene, video)] == ["failed"] * 3
    assert undoing.objects(avatar) == (["1/avatar-320.webp", "1/avatar.png"] if stays else [])
    assert undoing.store.head(str(selfie)) is not None


@pytest.mark.parametrize(
    ("on_failure", "kept"),
    [
        (OnFailure.KEEP, ["avatar", "scene"]),
        (OnFailure.ROLL_BACK_PARENT, ["avatar"]),
        (OnFailure.ROLL_BACK_STORY, []),
    ],
)
def test_a_failed_video_takes_along_what_was_requested(
    engine: Engine, world: World, undoing: Undoing, on_failure: OnFailure, kept: list[str]
) -> None:
    avatar, scene, video = story(engine, world, on_failure)
    fail(engine, video, o.GenerationFailed(REFUSED))
    undoing.undo_all()
    made = {"avatar": avatar, "scene": scene}
    with engine.connect() as conn:
        refunded = {name: credits_of_jobs(conn, [job_id])[job_id].refunded for name, job_id in made.items()}
    assert refunded == {name: 0 if name in kept else 5 for name in made}
    assert [name for name, job_id in made.items() if undoing.state(job_id) == State.SUCCEEDED] == kept
    assert_credits_add_up(engine)
    assert_sound(engine)


def test_undoing_a_rolled_back_scene_again_leaves_its_avatar(engine: Engine, world: World, undoing: Undoing) -> None:
    avatar, scene, video = story(engine, world, OnFailure.ROLL_BACK_PARENT)
    fail(engine, video, o.GenerationFailed(REFUSED))
    undoing.undo(video)
    with engine.begin() as conn:
        query = "UPDATE compensation_actions SET state = 'needs_review', last_error = 'broken' WHERE job_id = :scene"
        conn.execute(text(query), {"scene": scene})
    undoing.undo_all()
    with engine.begin() as conn:
        assert undo_again(conn, scene, actor="support:ann", reason="the store is back")
    undoing.undo_all()
    assert [undoing.state(each) for each in (avatar, scene, video)] == ["succeeded", "failed", "failed"]


def test_a_canceled_video_keeps_its_avatar_and_scene(engine: Engine, world: World, undoing: Undoing) -> None:
    avatar, scene, video = story(engine, world)
    with engine.begin() as conn:
        cancel(conn, video, "api")
    undoing.undo_all()
    assert [undoing.state(each) for each in (avatar, scene, video)] == ["succeeded", "succeeded", "canceled"]


def test_earlier_work_of_the_user_is_never_rolled_back(engine: Engine, world: World, undoing: Undoing) -> None:
    """It may be a separate avatar, or one of a story from which another scene was made."""
    how: dict[str, Any] = {"on_failure": OnFailure.ROLL_BACK_PARENT}
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


def test_an_asset_that_another_job_uses_is_not_rolled_back(engine: Engine, world: World, undoing: Undoing) -> None:
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
