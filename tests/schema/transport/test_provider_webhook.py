"""What the provider tells is believed only with its signature, stored once as a sighting, and never moves a job."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from sqlalchemy import text

from db.engine.recording import record
from db.engine.row_changes import AttemptChanged
from db.engine.tracking import sight
from db.ids import new_id
from jobs.providers.replicate import read_prediction
from jobs.tracking.sightings import ended_prediction, sighting_of
from statemachine import outcomes as o
from statemachine.vocabulary import State
from tests.schema.transport.webhooks import FAR, OUTPUT, body_of, job_in, row, send, signed, taken
from tests.support.factories import claimed, make_job, make_world, move_of
from tests.support.serving import Server


def test_a_final_webhook_makes_the_waiting_job_due_and_leaves_its_state(told: Server) -> None:
    job = job_in(told, State.GENERATING)
    assert send(told, job.token, body_of(job.prediction_id)) == 202
    after = row(told, job.id)
    assert after.is_due
    assert (after.state, after.seq, after.lease) == (job.state, job.seq, job.lease)


def test_a_final_webhook_is_believed_like_the_list_so_the_poll_needs_no_read(told: Server) -> None:
    job = job_in(told, State.GENERATING)
    assert send(told, job.token, body_of(job.prediction_id)) == 202
    with told.engine.begin() as conn:
        polling = claimed(conn, job.id)
    prediction = ended_prediction(job.prediction_id, polling.sighting)
    assert prediction is not None
    assert (prediction.status, prediction.output) == ("succeeded", (OUTPUT,))


def test_a_failure_in_a_webhook_is_stored_without_secrets(told: Server) -> None:
    job = job_in(told, State.GENERATING)
    body = json.dumps({"id": job.prediction_id, "status": "failed", "error": "sk-not-to-be-kept-123\0"}).encode()
    assert send(told, job.token, body) == 202
    after = row(told, job.id)
    assert after.sighting["status"] == "failed"
    assert "not-to-be-kept" not in str(after.sighting)


def test_an_end_is_not_covered_up_by_an_older_page_of_the_list(told: Server) -> None:
    job = job_in(told, State.GENERATING)
    assert send(told, job.token, body_of(job.prediction_id)) == 202
    before = row(told, job.id).sighting
    running = read_prediction(json.loads(body_of(job.prediction_id, "processing")))
    with told.engine.begin() as conn:
        assert sight(conn, [sighting_of(job.id, running)]) == 0
    assert row(told, job.id).sighting == before


def test_another_prediction_says_nothing_of_this_one(told: Server) -> None:
    job = job_in(told, State.SUBMITTING)
    assert send(told, job.token, body_of("named")) == 202
    assert ended_prediction("another", row(told, job.id).sighting) is None


def test_a_look_that_is_under_way_does_not_put_off_what_a_final_webhook_makes_due(told: Server) -> None:
    job = job_in(told, State.GENERATING)
    with told.engine.begin() as conn:
        looking = claimed(conn, job.id)
    assert send(told, job.token, body_of(job.prediction_id)) == 202
    with told.engine.begin() as conn:
        assert record(conn, [move_of(looking, o.StillRunning(20, FAR.total_seconds()))]).moved == {}
    assert row(told, job.id).is_due


def test_a_final_webhook_that_comes_again_fences_off_no_second_look(told: Server) -> None:
    job = job_in(told, State.GENERATING)
    assert send(told, job.token, body_of(job.prediction_id)) == 202
    with told.engine.begin() as conn:
        looking = claimed(conn, job.id)
    assert send(told, job.token, body_of(job.prediction_id)) == 202
    with told.engine.begin() as conn:
        assert record(conn, [move_of(looking, o.StillRunning(20, 1.0))]).moved.keys() == {job.id}


def test_a_start_does_not_make_a_waiting_job_due_nor_does_another_prediction(told: Server) -> None:
    job = job_in(told, State.GENERATING)
    assert send(told, job.token, body_of(job.prediction_id, "starting")) == 202
    assert send(told, job.token, body_of("another")) == 202
    assert row(told, job.id) == job


def test_a_webhook_that_is_ahead_of_the_answer_is_noted_and_the_job_is_due_with_the_answer(told: Server) -> None:
    job = job_in(told, State.SUBMITTING)
    assert send(told, job.token, body_of("early")) == 202
    noted = row(told, job.id)
    assert (noted.noted_prediction_id, noted.sighting["has_ended"], noted.state) == ("early", True, "submitting")
    with told.engine.begin() as conn:
        working = claimed(conn, job.id)
        changed = AttemptChanged(job.id, job.attempt, "running", prediction_id="early")
        record(conn, [move_of(working, o.Accepted("early", FAR.total_seconds()), changed)])
    after = row(told, job.id)
    assert after.is_due
    assert ended_prediction("early", after.sighting) is not None, "its first poll needs no read either"


def test_an_answer_that_was_lost_after_its_webhook_is_reconciled_at_once(told: Server) -> None:
    job = job_in(told, State.SUBMITTING)
    assert send(told, job.token, body_of("named", "starting")) == 202
    with told.engine.begin() as conn:
        working = claimed(conn, job.id)
        record(conn, [move_of(working, o.OutcomeLost("reset"), AttemptChanged(job.id, job.attempt, "lost"))])
    after = row(told, job.id)
    assert (after.state, after.is_due) == ("reconciling", True)


def test_a_search_that_is_under_way_is_fenced_off_by_the_webhook_that_names_the_prediction(told: Server) -> None:
    job = job_in(told, State.RECONCILING)
    with told.engine.begin() as conn:
        searching = claimed(conn, job.id)
    assert send(told, job.token, body_of("found", "starting")) == 202
    with told.engine.begin() as conn:
        absent = AttemptChanged(job.id, job.attempt, "absent")
        assert record(conn, [move_of(searching, o.OrphanAbsent(), absent)]).moved == {}
    after = row(told, job.id)
    assert (after.state, after.noted_prediction_id, after.is_due) == ("reconciling", "found", True)


def test_what_the_job_went_on_without_is_noted_for_the_orphan_search(told: Server) -> None:
    job = job_in(told, State.RECONCILING)
    with told.engine.begin() as conn:
        searching = claimed(conn, job.id)
        record(conn, [move_of(searching, o.OrphanAbsent(), AttemptChanged(job.id, job.attempt, "absent"))])
    before = row(told, job.id)
    assert send(told, job.token, body_of("late")) == 202
    after = row(told, job.id)
    assert after.noted_prediction_id == "late"
    assert (after.state, after.due_at, after.lease) == (before.state, before.due_at, before.lease)


@pytest.mark.parametrize("state", [State.STORING, State.TRANSCODING, State.SUCCEEDED, State.CANCELED, State.FAILED])
def test_a_webhook_changes_nothing_in_later_states(told: Server, state: State) -> None:
    with told.engine.begin() as conn:
        job_id = make_job(conn, make_world(conn), state)
        attempts = "SELECT * FROM attempts WHERE job_id = :id"
        before = conn.execute(text(attempts), {"id": job_id}).all()
    token = before[0].token if before else uuid4()
    assert send(told, token, body_of(before[0].prediction_id if before else "none")) == 202
    with told.engine.connect() as conn:
        assert conn.execute(text(attempts), {"id": job_id}).all() == before


def test_a_repeated_webhook_is_taken_once(told: Server) -> None:
    job = job_in(told, State.GENERATING)
    body = body_of(job.prediction_id)
    headers = signed(body)
    assert send(told, job.token, body, headers) == 202
    with told.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET due_at = diorama_now() + :far WHERE id = :id"), {"far": FAR, "id": job.id})
    assert send(told, job.token, body, headers) == 202
    assert not row(told, job.id).is_due
    assert taken(told, job.prediction_id) == ["due"]


def test_a_foreign_token_is_answered_like_our_own(told: Server) -> None:
    for token in (uuid4(), "no-token", ""):
        prediction_id = new_id().hex
        assert send(told, token, body_of(prediction_id)) == 202
        assert taken(told, prediction_id) == ["foreign"]


def test_old_webhooks_are_forgotten_as_new_ones_come(told: Server) -> None:
    with told.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO provider_webhooks (webhook_id, prediction_id, has_ended, effect, received_at) "
                "VALUES ('old', 'old', true, 'none', diorama_now() - interval '25 hours')"
            )
        )
    assert send(told, uuid4(), body_of("p1")) == 202
    assert taken(told, "old") == []
