"""Pausing a step: no worker claims its jobs in any way until it is resumed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from db.engine.claims import claim_due
from db.engine.pausing import pause_step, pauses, resume_step, step_statuses
from db.engine.recording import record
from statemachine import outcomes as o
from statemachine.vocabulary import State, Step
from tests.support.factories import World, claimed, make_job, make_world, move_of

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


def test_a_paused_step_is_not_claimed_until_it_is_resumed(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        make_job(conn, world), make_job(conn, world, State.GENERATING)
        pause_step(conn, Step.SUBMIT, by="support:mo", reason="the models fail")
        assert claim_due(conn, Step.SUBMIT, worker="w", limit=9, lease_for=MINUTE) == []
        assert len(claim_due(conn, Step.POLL, worker="w", limit=9, lease_for=MINUTE)) == 1
        assert resume_step(conn, Step.SUBMIT)
        assert len(claim_due(conn, Step.SUBMIT, worker="w", limit=9, lease_for=MINUTE)) == 1
        assert not resume_step(conn, Step.SUBMIT)


def test_a_pause_does_not_stop_the_search_for_a_paid_submission(engine: Engine, world: World) -> None:
    """The search spends nothing, and neither does ending an overdue waiting job; only queued jobs are paused."""
    with engine.begin() as conn:
        make_job(conn, world)
        reconciling, submitting = make_job(conn, world, State.RECONCILING), make_job(conn, world, State.SUBMITTING)
        waiting = make_job(conn, world, State.WAITING)
        conn.execute(text("UPDATE jobs SET due_at = now(), deadline_at = now() WHERE state = 'waiting'"))
        pause = pause_step(conn, Step.SUBMIT, by="support:mo", reason="the models fail")
        found = {job.id for job in claim_due(conn, Step.SUBMIT, worker="w", limit=9, lease_for=MINUTE)}
    assert found == {reconciling, submitting, waiting}
    assert pause.applies_to(State.QUEUED)
    assert not pause.applies_to(State.RECONCILING)


def test_a_worker_does_not_continue_a_job_with_a_paused_step(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        pause_step(conn, Step.STORE, by="support:mo", reason=None)
        first, second = make_job(conn, world, State.GENERATING), make_job(conn, world, State.STORING)
        to_store = move_of(claimed(conn, first), o.OutputReady(("u",), 1))
        to_transcode = move_of(claimed(conn, second), o.StepDone())
        moved = record(conn, [replace(each, lease_for=MINUTE) for each in (to_store, to_transcode)]).moved
    assert not moved[first].is_leased
    assert moved[second].is_leased


def test_the_status_of_a_step_counts_due_leased_and_abandoned_jobs(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        for _ in range(2):
            make_job(conn, world, State.GENERATING)
        claimed(conn, make_job(conn, world, State.GENERATING))
        claimed(conn, make_job(conn, world, State.GENERATING), lasts=-MINUTE)
        pause = pause_step(conn, Step.POLL, by="support:mo", reason="why")
        assert pauses(conn) == {Step.POLL: pause}
        status = {each.step: each for each in step_statuses(conn)}
    assert set(status) == set(Step)
    poll = status[Step.POLL]
    assert (poll.due, poll.in_hand, poll.abandoned, poll.pause) == (3, 1, 1, pause)
    assert (status[Step.SUBMIT].due, status[Step.SUBMIT].oldest_due_at) == (0, None)
