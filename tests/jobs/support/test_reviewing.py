"""Support retries or waives an action that failed for good, even if the job has gone on since."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.engine.commands import cancel
from db.engine.compensations import ActionFilter, action_page
from db.engine.recording import record
from db.engine.row_changes import AttemptChanged
from db.paging import Window
from jobs.engine.hints import Hinter
from jobs.errors import AlreadyFinished, NotReady, UseCaseError
from jobs.support.redriving import retry_job
from jobs.support.reviewing import review_compensation
from statemachine import outcomes as o
from statemachine.backoff import JobPolicy
from statemachine.steps import FINISHING_STATES
from statemachine.vocabulary import State
from tests.jobs.steps.undoing import Undoing, fail
from tests.support.factories import REFUSED, World, advance_to, claimed, make_job, move_of
from tests.support.invariants import assert_credits_add_up, assert_sound
from tests.support.principals import SUPPORT
from tests.support.scripted import ScriptedProvider


def retry_through(engine: Engine, job_id: UUID, *path: State) -> None:
    """Retry an ended job and advance it through these states."""
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


def test_actions_that_kill_their_workers_need_review_and_the_job_ends(
    engine: Engine, world: World, undoing: Undoing, hinter: Hinter
) -> None:
    """Otherwise they would be tried after each lease, forever, and the credits would stay on hold."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING, credits=5)
        cancel(conn, job_id, "api")
        for _ in range(JobPolicy().claims_max):
            claimed(conn, job_id)
        claim = claimed(conn, job_id).claim
    undoing.put(job_id, "1/source.png")
    undoing.interrupt(claim, hinter)
    assert undoing.state(job_id) == "canceled"
    assert undoing.actions(job_id) == {
        "cancel_prediction": "needs_review",
        "delete_objects": "needs_review",
        "return_credits": "done",
    }
    with engine.connect() as conn:
        to_review = action_page(conn, ActionFilter(states=["needs_review"]), Window(10)).items
    assert {each.last_error for each in to_review} == {"6 claims without a result: the rest needs review"}
    review(engine, job_id, "delete_objects")
    undoing.undo_all()
    assert undoing.objects(job_id) == []
    assert_credits_add_up(engine)
    assert_sound(engine)


@pytest.mark.parametrize("waive", [True, False])
def test_support_waives_or_retries_an_action_in_review(
    engine: Engine, world: World, undoing: Undoing, waive: bool
) -> None:
    undoing.provider = ScriptedProvider(1, o.RetryPolicy.NEVER)
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        cancel(conn, job_id, "api")
    undoing.undo(job_id)
    with engine.begin() as conn:
        review_compensation(conn, SUPPORT, job_id, "cancel_prediction", waive=waive, note="checked")
    assert undoing.state(job_id) == ("canceled" if waive else "compensating")
    undoing.undo_all()
    assert undoing.state(job_id) == "canceled"
    assert undoing.actions(job_id)["cancel_prediction"] == ("waived" if waive else "done")
    assert len(undoing.provider.canceled) == (not waive)
    assert_sound(engine)


def test_a_reviewed_cancel_applies_to_the_submission_it_was_planned_for(
    engine: Engine, world: World, undoing: Undoing
) -> None:
    """The job has made another submission since, and that has ended by itself."""
    undoing.provider = ScriptedProvider(1, o.RetryPolicy.NEVER)
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        cancel(conn, job_id, "api")
    assert undoing.undo(job_id) == "canceled"
    ((_, _, first, _),) = attempts(engine)
    retry_through(engine, job_id, State.SUBMITTING, State.GENERATING)
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
def test_deleting_the_objects_of_an_earlier_try_spares_those_of_the_last(
    engine: Engine, world: World, undoing: Undoing, path: tuple[State, ...], attempt: int
) -> None:
    """The last try may have made another submission, or have gone on from the same one."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.STORING)
        cancel(conn, job_id, "api")
        conn.execute(text("UPDATE compensation_actions SET state = 'needs_review', last_error = 'it said 503'"))
        if path:
            conn.execute(text("UPDATE attempts SET completed_at = completed_at - interval '1 hour'"))
    assert undoing.undo(job_id) == "canceled"
    retry_through(engine, job_id, *path)
    with engine.begin() as conn:
        job = claimed(conn, job_id)
        source = AttemptChanged(job_id, attempt, "succeeded", source_key=f"jobs/{job_id}/{attempt}/source.png")
        record(conn, [move_of(job, o.StepDone(), source)])
    undoing.put(job_id, f"{attempt}/source.png")
    fail(engine, job_id)
    assert undoing.undo(job_id) == "failed"
    undoing.put(job_id, "1/left.png", "2/left.png")
    review(engine, job_id, "delete_objects")
    assert undoing.undo(job_id) == "failed"
    assert undoing.objects(job_id) == sorted([f"{attempt}/source.png", "2/left.png"])
    assert attempts(engine)[-1][-1], "the source is still there for the next try"


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ((), NotReady, "Wait until it has ended, or waive this"),
        (
            (State.SUBMITTING, State.GENERATING, *FINISHING_STATES, State.SUCCEEDED),
            AlreadyFinished,
            "Waive",
        ),
    ],
    ids=["is being retried", "has succeeded since"],
)
def test_a_review_of_a_retried_job_undoes_nothing_and_names_the_possible_decision(
    engine: Engine, world: World, undoing: Undoing, path: tuple[State, ...], error: type[UseCaseError], message: str
) -> None:
    undoing.provider = ScriptedProvider(1, o.RetryPolicy.NEVER)
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        cancel(conn, job_id, "api")
    undoing.undo(job_id)
    retry_through(engine, job_id, *path)
    with pytest.raises(error, match=message):
        review(engine, job_id, "cancel_prediction")
    assert undoing.actions(job_id)["cancel_prediction"] == "needs_review"
    review(engine, job_id, "cancel_prediction", waive=True)
    assert undoing.actions(job_id)["cancel_prediction"] == "waived"
