"""What the provider tells is believed only with its signature, stored once as a sighting, and never moves a job."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from db.engine.recording import record
from db.engine.row_changes import AttemptChanged
from db.engine.tracking import sight
from db.ids import new_id
from jobs.providers.replicate import read_prediction
from jobs.tracking.provider_webhooks import SigningKey
from jobs.tracking.sightings import ended_prediction, sighting_of
from schema.transport.provider_webhook import BODY_BYTES_MAX
from statemachine import outcomes as o
from statemachine.vocabulary import State
from tests.support.eventually import scaled
from tests.support.factories import claimed, make_job, make_world, move_of
from tests.support.serving import Server, serving

KEY = "whsec_dGhlLWtleS10aGF0LXdhcy1hZ3JlZWQ="
OTHER_KEY = "whsec_bm90LXRoZS1rZXktdGhhdC13YXMtYWdyZWVk"
FAR = timedelta(hours=1)


@pytest.fixture(scope="module")
def told(api_database: str) -> Iterator[Server]:
    """The API, as it takes webhooks."""
    with serving(api_database, webhook_key=SigningKey(KEY)) as running:
        yield running


OUTPUT = "https://replicate.delivery/out.png"


def body_of(prediction_id: str, status: str = "succeeded") -> bytes:
    record: dict[str, object] = {"id": prediction_id, "status": status, "output": None}
    if status == "succeeded":
        record["output"] = OUTPUT
    return json.dumps(record).encode()


def signed(body: bytes, key: str = KEY, webhook_id: str | None = None, at: datetime | None = None) -> dict[str, str]:
    webhook_id, at = webhook_id or f"msg_{new_id()}", at or datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign(webhook_id, at, body.decode()),
    }


def send(server: Server, token: object, body: bytes, headers: dict[str, str] | None = None) -> int:
    url = f"{server.url}/webhooks/replicate?token={token}"
    return server.http.post(url, content=body, headers=signed(body) if headers is None else headers).status_code


def job_in(server: Server, state: State) -> Any:
    """Return a job that is due in an hour, with its attempt's token."""
    with server.engine.begin() as conn:
        job_id = make_job(conn, make_world(conn), state)
        conn.execute(
            text("UPDATE jobs SET due_at = diorama_now() + :far WHERE id = :id AND finished_at IS NULL"),
            {"far": FAR, "id": job_id},
        )
    return row(server, job_id)


def row(server: Server, job_id: UUID) -> Any:
    query = (
        "SELECT j.*, a.token, a.status, a.prediction_id, a.noted_prediction_id, a.sighting, "
        "j.due_at <= diorama_now() AS is_due FROM jobs j JOIN attempts a ON a.job_id = j.id WHERE j.id = :id"
    )
    with server.engine.connect() as conn:
        return conn.execute(text(query), {"id": job_id}).one()


def taken(server: Server, prediction_id: str) -> list[str]:
    with server.engine.connect() as conn:
        query = "SELECT effect FROM provider_webhooks WHERE prediction_id = :id ORDER BY received_at"
        return list(conn.scalars(text(query), {"id": prediction_id}))


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


BODY = body_of("p1")
REFUSED: dict[str, Callable[[], tuple[bytes, dict[str, str]]]] = {
    "unsigned": lambda: (BODY, {}),
    "signed with another key": lambda: (BODY, signed(BODY, OTHER_KEY)),
    "replayed after five minutes": lambda: (BODY, signed(BODY, at=datetime.now(UTC) - timedelta(minutes=6))),
    "from the future": lambda: (BODY, signed(BODY, at=datetime.now(UTC) + timedelta(minutes=6))),
    "changed on the way": lambda: (BODY + b" ", signed(BODY)),
    "a signature without a comma": lambda: (BODY, signed(BODY) | {"webhook-signature": "v1"}),
    "a signature that is not base64": lambda: (BODY, signed(BODY) | {"webhook-signature": "v1,*"}),
    "a time that is none": lambda: (BODY, signed(BODY) | {"webhook-timestamp": "yesterday"}),
    "a time beyond all clocks": lambda: (BODY, signed(BODY) | {"webhook-timestamp": "9" * 400}),
    "not UTF-8": lambda: (b"\xff", signed(BODY)),
    "not JSON": lambda: (b"{", signed(b"{")),
    "no object": lambda: (b"[]", signed(b"[]")),
    "no prediction": lambda: (b'{"id": "x"}', signed(b'{"id": "x"}')),
    "an id with a null character": lambda: (body_of("\0"), signed(body_of("\0"))),
    "an id without end": lambda: (BODY, signed(BODY, webhook_id="x" * 201)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_verified_is_refused(told: Server, what: str) -> None:
    job = job_in(told, State.SUBMITTING)
    body, headers = REFUSED[what]()
    assert send(told, job.token, body, headers) == 401
    assert row(told, job.id) == job


def test_a_body_beyond_the_bound_is_refused(told: Server) -> None:
    assert send(told, uuid4(), b"x" * (BODY_BYTES_MAX + 1), {}) == 413


def test_there_is_no_such_address_where_no_webhooks_are_asked_for(server: Server) -> None:
    assert send(server, uuid4(), BODY) == 404


def test_old_webhooks_are_forgotten_as_new_ones_come(told: Server) -> None:
    with told.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO provider_webhooks (webhook_id, prediction_id, has_ended, effect, received_at) "
                "VALUES ('old', 'old', true, 'none', diorama_now() - interval '25 hours')"
            )
        )
    assert send(told, uuid4(), BODY) == 202
    assert taken(told, "old") == []


def test_the_key_is_fetched_when_needed_and_renewed_at_most_once_a_minute(api_database: str) -> None:
    keys = iter([OTHER_KEY, KEY])
    key = SigningKey(fetch=lambda: next(keys))
    with serving(api_database, webhook_key=key) as running:
        assert send(running, uuid4(), BODY, signed(BODY, OTHER_KEY)) == 202
        # A newer key is not asked for yet, however many messages do not verify.
        assert [send(running, uuid4(), BODY) for _ in range(3)] == [401] * 3
        key._next_fetch_at = 0.0
        assert send(running, uuid4(), BODY) == 202
        assert send(running, uuid4(), BODY, {}) == 401


def test_whoever_comes_while_the_key_is_fetched_does_not_wait_for_it(api_database: str) -> None:
    """Anybody may come, and each that waits would hold a thread that uploads need."""
    asked, may_answer = threading.Event(), threading.Event()

    def fetch() -> str:
        asked.set()
        assert may_answer.wait(scaled(10))
        return KEY

    key = SigningKey(fetch=fetch)
    with serving(api_database, webhook_key=key) as running, ThreadPoolExecutor(1) as pool:
        first = pool.submit(send, running, uuid4(), BODY)
        try:
            assert asked.wait(scaled(10))
            assert not key.may_renew
            forged = httpx.post(f"{running.url}/webhooks/replicate", content=BODY, timeout=scaled(5))
            assert forged.status_code == 503
            late = threading.Thread(target=key.renew, daemon=True)
            late.start()
            late.join(scaled(5))
            assert not late.is_alive()
        finally:
            may_answer.set()
        assert first.result(scaled(10)) == 202


def test_while_there_is_no_key_the_provider_is_asked_to_try_again(api_database: str) -> None:
    with serving(api_database, webhook_key=SigningKey()) as running:
        answer = httpx.post(f"{running.url}/webhooks/replicate?token={uuid4()}", content=BODY, headers=signed(BODY))
        assert answer.status_code == 503
