"""A webhook of the provider is stored once as a sighting, may make its job due, and never moves it."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from sqlalchemy import text

from db.engine.recording import record
from db.engine.row_changes import AttemptChanged
from db.engine.tracking import sight
from db.ids import new_id
from jobs.providers.records import read_prediction
from jobs.tracking.sightings import ended_prediction, sighting_of
from statemachine import outcomes as o
from statemachine.vocabulary import State
from tests.schema.transport.webhooks import FAR, OUTPUT, body_of, effects_of, job_in, row, send, signed
from tests.support.factories import claimed, make_job, make_world, move_of
from tests.support.serving import Server


def test_a_final_webhook_makes_the_waiting_job_due_without_moving_it(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.GENERATING)
    assert send(webhook_server, job.token, body_of(job.prediction_id)) == 202
    after = row(webhook_server, job.id)
    assert after.is_due
    assert (after.state, after.seq, after.lease) == (job.state, job.seq, job.lease)


def test_the_poll_after_a_final_webhook_needs_no_read(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.GENERATING)
    assert send(webhook_server, job.token, body_of(job.prediction_id)) == 202
    with webhook_server.engine.begin() as conn:
        polling = claimed(conn, job.id)
    prediction = ended_prediction(job.prediction_id, polling.sighting)
    assert prediction is not None
    assert (prediction.status, prediction.output) == ("succeeded", (OUTPUT,))


def test_a_failure_in_a_webhook_is_stored_without_secrets(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.GENERATING)
    body = json.dumps({"id": job.prediction_id, "status": "failed", "error": "sk-not-to-be-kept-123\0"}).encode()
    assert send(webhook_server, job.token, body) == 202
    after = row(webhook_server, job.id)
    assert after.sighting["status"] == "failed"
    assert "not-to-be-kept" not in str(after.sighting)


def test_an_older_page_of_the_list_does_not_overwrite_an_end(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.GENERATING)
    assert send(webhook_server, job.token, body_of(job.prediction_id)) == 202
    before = row(webhook_server, job.id).sighting
    running = read_prediction(json.loads(body_of(job.prediction_id, "processing")))
    with webhook_server.engine.begin() as conn:
        assert sight(conn, [sighting_of(job.id, running)]) == 0
    assert row(webhook_server, job.id).sighting == before


def test_a_sighting_of_another_prediction_is_not_taken_for_this_one(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.SUBMITTING)
    assert send(webhook_server, job.token, body_of("named")) == 202
    assert ended_prediction("another", row(webhook_server, job.id).sighting) is None


def test_a_poll_under_way_does_not_delay_a_job_that_a_final_webhook_made_due(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.GENERATING)
    with webhook_server.engine.begin() as conn:
        polling = claimed(conn, job.id)
    assert send(webhook_server, job.token, body_of(job.prediction_id)) == 202
    with webhook_server.engine.begin() as conn:
        assert record(conn, [move_of(polling, o.StillRunning(20, FAR.total_seconds()))]).moved == {}
    assert row(webhook_server, job.id).is_due


def test_a_repeated_final_webhook_does_not_fence_off_the_next_poll(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.GENERATING)
    assert send(webhook_server, job.token, body_of(job.prediction_id)) == 202
    with webhook_server.engine.begin() as conn:
        polling = claimed(conn, job.id)
    assert send(webhook_server, job.token, body_of(job.prediction_id)) == 202
    with webhook_server.engine.begin() as conn:
        assert record(conn, [move_of(polling, o.StillRunning(20, 1.0))]).moved.keys() == {job.id}


def test_neither_a_start_nor_another_prediction_makes_a_waiting_job_due(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.GENERATING)
    assert send(webhook_server, job.token, body_of(job.prediction_id, "starting")) == 202
    assert send(webhook_server, job.token, body_of("another")) == 202
    assert row(webhook_server, job.id) == job


def test_a_webhook_ahead_of_the_response_makes_the_job_due_with_the_response(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.SUBMITTING)
    assert send(webhook_server, job.token, body_of("early")) == 202
    noted = row(webhook_server, job.id)
    assert (noted.noted_prediction_id, noted.sighting["has_ended"], noted.state) == ("early", True, "submitting")
    with webhook_server.engine.begin() as conn:
        working = claimed(conn, job.id)
        changed = AttemptChanged(job.id, job.attempt, "running", prediction_id="early")
        record(conn, [move_of(working, o.Accepted("early", FAR.total_seconds()), changed)])
    after = row(webhook_server, job.id)
    assert after.is_due
    assert ended_prediction("early", after.sighting) is not None, "its first poll needs no read either"


def test_a_response_lost_after_its_webhook_is_reconciled_at_once(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.SUBMITTING)
    assert send(webhook_server, job.token, body_of("named", "starting")) == 202
    with webhook_server.engine.begin() as conn:
        working = claimed(conn, job.id)
        record(conn, [move_of(working, o.OutcomeLost("reset"), AttemptChanged(job.id, job.attempt, "lost"))])
    after = row(webhook_server, job.id)
    assert (after.state, after.is_due) == ("reconciling", True)


def test_a_webhook_that_names_the_prediction_fences_off_the_search_under_way(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.RECONCILING)
    with webhook_server.engine.begin() as conn:
        searching = claimed(conn, job.id)
    assert send(webhook_server, job.token, body_of("found", "starting")) == 202
    with webhook_server.engine.begin() as conn:
        absent = AttemptChanged(job.id, job.attempt, "absent")
        assert record(conn, [move_of(searching, o.OrphanAbsent(), absent)]).moved == {}
    after = row(webhook_server, job.id)
    assert (after.state, after.noted_prediction_id, after.is_due) == ("reconciling", "found", True)


def test_a_prediction_that_its_job_went_on_without_is_noted_for_the_orphan_search(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.RECONCILING)
    with webhook_server.engine.begin() as conn:
        searching = claimed(conn, job.id)
        record(conn, [move_of(searching, o.OrphanAbsent(), AttemptChanged(job.id, job.attempt, "absent"))])
    before = row(webhook_server, job.id)
    assert send(webhook_server, job.token, body_of("late")) == 202
    after = row(webhook_server, job.id)
    assert after.noted_prediction_id == "late"
    assert (after.state, after.due_at, after.lease) == (before.state, before.due_at, before.lease)


@pytest.mark.parametrize("state", [State.STORING, State.TRANSCODING, State.SUCCEEDED, State.CANCELED, State.FAILED])
def test_a_webhook_changes_nothing_in_later_states(webhook_server: Server, state: State) -> None:
    with webhook_server.engine.begin() as conn:
        job_id = make_job(conn, make_world(conn), state)
        attempts = "SELECT * FROM attempts WHERE job_id = :id"
        before = conn.execute(text(attempts), {"id": job_id}).all()
    token = before[0].token if before else uuid4()
    assert send(webhook_server, token, body_of(before[0].prediction_id if before else "none")) == 202
    with webhook_server.engine.connect() as conn:
        assert conn.execute(text(attempts), {"id": job_id}).all() == before


def test_a_repeated_webhook_takes_effect_once(webhook_server: Server) -> None:
    job = job_in(webhook_server, State.GENERATING)
    body = body_of(job.prediction_id)
    headers = signed(body)
    assert send(webhook_server, job.token, body, headers) == 202
    with webhook_server.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET due_at = diorama_now() + :far WHERE id = :id"), {"far": FAR, "id": job.id})
    assert send(webhook_server, job.token, body, headers) == 202
    assert not row(webhook_server, job.id).is_due
    assert effects_of(webhook_server, job.prediction_id) == ["due"]


def test_a_foreign_token_gets_the_same_response_as_our_own(webhook_server: Server) -> None:
    for token in (uuid4(), "no-token", ""):
        prediction_id = new_id().hex
        assert send(webhook_server, token, body_of(prediction_id)) == 202
        assert effects_of(webhook_server, prediction_id) == ["foreign"]


def test_old_webhooks_are_purged_as_new_ones_arrive(webhook_server: Server) -> None:
    with webhook_server.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO provider_webhooks (webhook_id, prediction_id, has_ended, effect, received_at) "
                "VALUES ('old', 'old', true, 'none', diorama_now() - interval '25 hours')"
            )
        )
    assert send(webhook_server, uuid4(), body_of("p1")) == 202
    assert effects_of(webhook_server, "old") == []
