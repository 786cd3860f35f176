"""Credits are held, charged, released and refunded as the rule says, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.engine.recording import record
from db.ids import new_id
from db.records.ledger import balance_of, credits_of_jobs
from db.records.requests import insert_story
from jobs.errors import AlreadyFinished
from jobs.requesting.cancellation import cancel_job
from jobs.steps.compensate import TRIES_MAX
from jobs.support.redriving import retry_job
from jobs.support.refunding import RefundRequest, refund_job
from statemachine import outcomes as o
from statemachine.vocabulary import Kind, OnFailure, State
from storage import S3Store
from tests.jobs.requesting.credit_rule import RULE
from tests.jobs.steps.undoing import Undoing
from tests.support.factories import BROKEN, REFUSED, World, begin_of, claimed, make_job, move_of
from tests.support.invariants import assert_credits_add_up
from tests.support.principals import partner_of, support_of
from tests.support.scripted import ScriptedProvider

PRICE = 5


class Case:
    """An account with a job that costs credits, and the events that can happen to it."""

    def __init__(self, engine: Engine, store: S3Store, world: World) -> None:
        self.engine = engine
        self.world = world
        self.undoing = Undoing(engine, store, ScriptedProvider())

    def job(self, state: State, *, parent: UUID | None = None, story: UUID | None = None) -> UUID:
        """Add a job; only the one with a story is rolled back with it."""
        with self.engine.begin() as conn:
            return make_job(
                conn,
                self.world,
                state,
                kind=Kind.AVATAR if parent is None else Kind.SCENE,
                parent_id=parent,
                story_id=story,
                credits=PRICE,
                on_failure=OnFailure.ROLL_BACK_PARENT,
            )

    def family(self, child: State, avatar: State = State.SUCCEEDED) -> tuple[UUID, UUID]:
        """Add a story's avatar and its scene."""
        story_id = new_id()
        with self.engine.begin() as conn:
            insert_story(conn, self.world.owner, story_id, self.world.selfie_id)
        first = self.job(avatar, story=story_id)
        return first, self.job(child, parent=first, story=story_id)

    def see(self, job_id: UUID, outcome: o.Outcome) -> UUID:
        """Record an outcome as a worker does."""
        with self.engine.begin() as conn:
            record(conn, [move_of(claimed(conn, job_id), outcome)])
        self.undoing.undo_all()
        return job_id

    def cancel(self, job_id: UUID) -> UUID:
        """Cancel a job as its owner."""
        with self.engine.begin() as conn:
            cancel_job(conn, partner_of(self.world), job_id)
        self.undoing.undo_all()
        return job_id


def canceled_submitting(case: Case) -> UUID:
    job_id = case.job(State.QUEUED)
    with case.engine.begin() as conn:
        record(conn, [replace(begin_of(claimed(conn, job_id)), keep_lease=True)])
    case.cancel(job_id)
    assert entries(case.engine, job_id) == ("hold",), "it may have been paid for, so nothing is settled yet"
    return case.see(job_id, o.Accepted("prediction", 1.0))


def canceled_too_late(case: Case) -> UUID:
    job_id = case.job(State.SUCCEEDED)
    with pytest.raises(AlreadyFinished):
        case.cancel(job_id)
    return job_id


def parent_failed(case: Case) -> UUID:
    avatar, scene = case.family(State.WAITING, State.GENERATING)
    case.see(avatar, o.GenerationFailed(REFUSED))
    return scene


def rolled_back(case: Case) -> UUID:
    avatar, scene = case.family(State.GENERATING)
    case.see(scene, o.GenerationFailed(REFUSED))
    return avatar


def child_canceled(case: Case) -> UUID:
    avatar, scene = case.family(State.GENERATING)
    case.cancel(scene)
    return avatar


def refunded(case: Case) -> UUID:
    job_id = case.job(State.SUCCEEDED)
    with case.engine.begin() as conn:
        refund_job(conn, support_of(case.world), RefundRequest("key", job_id, "the face is wrong"))
    return job_id


def tried_again(case: Case) -> UUID:
    job_id = case.see(case.job(State.GENERATING), o.GenerationFailed(BROKEN))
    with case.engine.begin() as conn:
        retry_job(conn, partner_of(case.world), job_id)
    return job_id


def undoing_fails(case: Case) -> UUID:
    case.undoing.provider.fails = TRIES_MAX
    job_id = case.cancel(case.job(State.GENERATING))
    assert case.undoing.actions(job_id)["cancel_prediction"] == "needs_review"
    return job_id


HAPPENINGS: dict[str, Callable[[Case], UUID]] = {
    "accepted": lambda case: case.job(State.QUEUED),
    "succeeded": lambda case: case.job(State.SUCCEEDED),
    "failed": lambda case: case.see(case.job(State.GENERATING), o.GenerationFailed(REFUSED, cost_micros=64_000)),
    "canceled queued": lambda case: case.cancel(case.job(State.QUEUED)),
    "canceled submitting": canceled_submitting,
    "canceled generating": lambda case: case.cancel(case.job(State.GENERATING)),
    "canceled too late": canceled_too_late,
    "parent failed": parent_failed,
    "rolled back": rolled_back,
    "child canceled": child_canceled,
    "refunded": refunded,
    "tried again": tried_again,
    "undoing fails": undoing_fails,
}


def entries(engine: Engine, job_id: UUID) -> tuple[str, ...]:
    with engine.connect() as conn:
        found = conn.scalars(text("SELECT kind FROM ledger_entries WHERE job_id = :id ORDER BY id"), {"id": job_id})
        return tuple(found)


@pytest.mark.parametrize("row", RULE)
def test_each_row_of_the_rule_is_true(engine: Engine, store: S3Store, world: World, row: str) -> None:
    job_id = HAPPENINGS[row](Case(engine, store, world))
    assert entries(engine, job_id) == RULE[row].entries
    holds, charged = RULE[row].entries[-1] == "hold", RULE[row].entries[-1] == "charge"
    with engine.connect() as conn:
        settled = credits_of_jobs(conn, [job_id])[job_id]
    assert (settled.held, settled.charged - settled.refunded) == (PRICE * holds, PRICE * charged)
    assert_credits_add_up(engine)


def test_no_more_credits_are_returned_than_were_granted(engine: Engine, store: S3Store, world: World) -> None:
    case = Case(engine, store, world)
    with engine.connect() as conn:
        before = balance_of(conn, partner_of(world).wallet)
    for row in ("failed", "canceled queued", "canceled generating", "undoing fails"):
        HAPPENINGS[row](case)
    with engine.connect() as conn:
        assert balance_of(conn, partner_of(world).wallet) == before


def test_every_row_has_a_test() -> None:
    assert HAPPENINGS.keys() == RULE.keys()
