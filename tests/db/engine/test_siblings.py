"""Scenes of one avatar, and videos of one scene: what a failed one takes along, and what it must not."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from db.engine.recording import record
from jobs.requesting.cancellation import cancel_job, cancel_story
from jobs.requesting.creation import create_scene, create_story
from jobs.requesting.requests import (
    AnimationOptions,
    RequestOptions,
    SceneOptions,
    SceneRequest,
    StoryRequest,
    StoryScene,
    StoryScenes,
)
from jobs.support.redriving import retry_job
from statemachine import outcomes as o
from statemachine.vocabulary import OnFailure, State
from tests.support.factories import BROKEN, World, advance_through, advance_to, claimed, make_world, move_of
from tests.support.invariants import (
    assert_credits_add_up,
    assert_roll_backs_took_nothing_owned,
    assert_sound,
)
from tests.support.principals import partner_of


@dataclass(frozen=True)
class Family:
    """A story of two scenes: the first has two videos, the second has none. Its avatar is made."""

    engine: Engine
    world: World
    story_id: UUID
    avatar: UUID
    scene: UUID
    videos: tuple[UUID, UUID]
    other_scene: UUID

    def end(self, *jobs: UUID) -> None:
        """Let queued jobs fail, and be undone in one transaction."""
        with self.engine.begin() as conn:
            for job_id in jobs:
                advance_through(conn, job_id, State.COMPENSATING)
        self.undo(*jobs)

    def undo(self, *jobs: UUID) -> None:
        """Let compensating jobs end in one transaction."""
        with self.engine.begin() as conn:
            assert record(conn, [move_of(claimed(conn, job_id), o.Undone()) for job_id in sorted(jobs)]).moved

    def succeed(self, *jobs: UUID) -> None:
        """Let queued jobs succeed."""
        with self.engine.begin() as conn:
            for job_id in jobs:
                advance_through(conn, job_id, State.SUCCEEDED)

    def state(self, job_id: UUID) -> State:
        """Return the state of a job."""
        with self.engine.connect() as conn:
            return State(conn.scalar(text("SELECT state FROM jobs WHERE id = :id"), {"id": job_id}))

    def check(self) -> None:
        """Check what is true of every database."""
        for invariant in (assert_sound, assert_credits_add_up, assert_roll_backs_took_nothing_owned):
            invariant(self.engine, self.world.owner.account_id)


def family(engine: Engine, on_failure: OnFailure = OnFailure.ROLL_BACK_PARENT) -> Family:
    """Request a story, and make its avatar."""
    first = StoryScene(SceneOptions("neon-city"), (AnimationOptions(), AnimationOptions("wave")))
    content = StoryScenes((first, StoryScene(SceneOptions("moon-base"))))
    with engine.begin() as conn:
        world = make_world(conn)
        request = StoryRequest(RequestOptions("key", on_failure), world.selfie_id, content)
        story_id = create_story(conn, partner_of(world), request).resource_id
        avatar, scene, *videos, other = _jobs(conn, story_id)
        advance_through(conn, avatar, State.SUCCEEDED)
    return Family(engine, world, story_id, avatar, scene, (videos[0], videos[1]), other)


def _jobs(conn: Connection, story_id: UUID) -> list[UUID]:
    return list(conn.scalars(text("SELECT id FROM jobs WHERE story_id = :id ORDER BY id"), {"id": story_id}))


def test_an_avatar_stays_for_a_scene_that_goes_on_and_goes_with_the_last(engine: Engine) -> None:
    its = family(engine)
    its.end(its.other_scene)
    assert (its.state(its.avatar), its.state(its.scene)) == (State.SUCCEEDED, State.QUEUED)
    its.end(its.scene)
    assert its.state(its.avatar) is State.COMPENSATING
    its.undo(its.avatar, *its.videos)
    assert its.state(its.avatar) is State.FAILED
    its.check()


@pytest.mark.parametrize("on_failure", [OnFailure.ROLL_BACK_PARENT, OnFailure.ROLL_BACK_STORY])
def test_an_avatar_stays_for_a_scene_that_has_succeeded(engine: Engine, on_failure: OnFailure) -> None:
    its = family(engine, on_failure)
    its.succeed(its.scene, *its.videos)
    its.end(its.other_scene)
    assert {its.state(each) for each in (its.avatar, its.scene, *its.videos)} == {State.SUCCEEDED}
    its.check()


def test_scenes_that_end_in_one_transaction_take_their_avatar_once(engine: Engine) -> None:
    its = family(engine)
    its.end(its.scene, its.other_scene)
    with engine.connect() as conn:
        query = "SELECT count(*) FROM job_events WHERE job_id = :id AND event = 'rolled_back'"
        assert conn.scalar(text(query), {"id": its.avatar}) == 1
    its.undo(its.avatar, *its.videos)
    its.check()


def test_a_failed_video_takes_its_scene_only_with_the_last_and_never_the_avatar(engine: Engine) -> None:
    its = family(engine)
    its.end(its.other_scene)
    its.succeed(its.scene)
    its.end(its.videos[1])
    assert its.state(its.scene) is State.SUCCEEDED
    its.end(its.videos[0])
    assert its.state(its.scene) is State.COMPENSATING
    its.undo(its.scene)
    assert (its.state(its.scene), its.state(its.avatar)) == (State.FAILED, State.SUCCEEDED)
    its.check()


def test_a_whole_story_goes_up_to_what_another_scene_uses(engine: Engine) -> None:
    its = family(engine, OnFailure.ROLL_BACK_STORY)
    its.succeed(its.scene)
    its.end(*its.videos)
    its.undo(its.scene)
    assert (its.state(its.avatar), its.state(its.other_scene)) == (State.SUCCEEDED, State.QUEUED)
    its.end(its.other_scene)
    assert its.state(its.avatar) is State.COMPENSATING
    its.undo(its.avatar)
    its.check()


def test_failures_that_are_kept_take_nothing(engine: Engine) -> None:
    its = family(engine, OnFailure.KEEP)
    its.succeed(its.scene)
    its.end(*its.videos)
    its.end(its.other_scene)
    assert (its.state(its.avatar), its.state(its.scene)) == (State.SUCCEEDED, State.SUCCEEDED)
    its.check()


def test_a_scene_that_was_requested_later_keeps_the_avatar_and_takes_nothing(engine: Engine) -> None:
    its = family(engine)
    with engine.begin() as conn:
        request = SceneRequest(RequestOptions("later"), SceneOptions("moon-base"), avatar_job_id=its.avatar)
        later = create_scene(conn, partner_of(its.world), request).resource_id
    its.end(its.scene, its.other_scene)
    assert its.state(its.avatar) is State.SUCCEEDED
    its.end(later)
    assert its.state(its.avatar) is State.SUCCEEDED
    its.undo(*its.videos)
    its.check()


def test_a_canceled_scene_takes_neither_its_avatar_nor_its_sibling(engine: Engine) -> None:
    its = family(engine)
    with engine.begin() as conn:
        cancel_job(conn, partner_of(its.world), its.scene)
    its.undo(its.scene, *its.videos)
    assert (its.state(its.avatar), its.state(its.other_scene)) == (State.SUCCEEDED, State.QUEUED)
    its.end(its.other_scene)
    assert its.state(its.avatar) is State.COMPENSATING
    its.undo(its.avatar)
    its.check()


def test_a_cancel_during_a_submission_reaches_every_sibling(engine: Engine) -> None:
    its = family(engine)
    with engine.begin() as conn:
        advance_to(conn, its.other_scene, State.SUBMITTING)
        canceled = cancel_story(conn, partner_of(its.world), its.story_id)
    assert canceled == {its.scene, *its.videos, its.other_scene}
    its.undo(its.scene, *its.videos)
    assert its.state(its.other_scene) is State.SUBMITTING
    with engine.begin() as conn:
        job = claimed(conn, its.other_scene)
        assert record(conn, [move_of(job, o.Rejected(BROKEN))]).moved
    its.undo(its.other_scene)
    assert (its.state(its.other_scene), its.state(its.avatar)) == (State.CANCELED, State.SUCCEEDED)
    its.check()


def test_a_failed_avatar_ends_every_scene_and_a_retry_revives_them(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        content = StoryScenes((StoryScene(SceneOptions("neon-city"), (AnimationOptions(),)),) * 2)
        request = StoryRequest(RequestOptions("key"), world.selfie_id, content)
        jobs = _jobs(conn, create_story(conn, partner_of(world), request).resource_id)
        advance_through(conn, jobs[0], State.FAILED)
    its = Family(engine, world, jobs[0], jobs[0], jobs[1], (jobs[2], jobs[4]), jobs[3])
    its.undo(*jobs[1:])
    assert {its.state(each) for each in jobs} == {State.FAILED}
    with engine.begin() as conn:
        assert retry_job(conn, partner_of(world), jobs[0]).revived == set(jobs)
    its.check()


def test_a_retried_scene_makes_the_avatar_again_for_its_siblings_too(engine: Engine) -> None:
    its = family(engine)
    its.end(its.other_scene)
    its.end(its.scene)
    its.undo(its.avatar, *its.videos)
    for scene, revived in (
        (its.other_scene, {its.avatar, its.other_scene}),
        (its.scene, {its.scene, *its.videos}),
    ):
        with engine.begin() as conn:
            assert retry_job(conn, partner_of(its.world), scene).revived == revived
    assert (its.state(its.scene), its.state(its.other_scene)) == (State.WAITING, State.WAITING)
    with engine.begin() as conn:
        # Its source was stored, and nothing has deleted that here.
        advance_to(conn, its.avatar, State.SUCCEEDED)
    assert (its.state(its.scene), its.state(its.other_scene)) == (State.QUEUED, State.QUEUED)
    its.check()
