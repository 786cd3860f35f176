"""Endpoints receive what happens in their account in order and at least once, and none delays another."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from db.public_ids import IdKind, encode_id
from db.records.webhook_endpoints import enable_endpoint
from schema.cursors import read_activity_cursor
from statemachine.vocabulary import State, WebhookDisabledReason, WebhookEndpointState, WebhookEventType
from tests.support.clock import move_clock
from tests.support.eventually import eventually
from tests.support.receiver import Receiver
from tests.support.webhooks import HERE, QUICK, Hooks, message, seqs

W = WebhookEventType
CLAIM: dict[str, Any] = {"worker": "other", "limit": 10, "most": 20, "lease_for": timedelta(seconds=30)}


def test_messages_say_what_happened_in_order(hooks: Hooks, receiver: Receiver) -> None:
    job_id = hooks.job(State.SUCCEEDED, metadata={"scene": 2})
    endpoint_id = hooks.endpoint(receiver.url)
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
    messages = [message(each) for each in receiver.requests]
    history = hooks.history(job_id)
    assert [each["data"]["seq"] for each in messages] == [event.seq for event in history]
    assert [each["data"]["event"] for each in messages] == [event.event.upper() for event in history]
    types = [each["type"] for each in messages]
    assert (types[0], set(types[1:-1]), types[-1]) == ("job.requested", {"job.progressed"}, "job.succeeded")
    last = messages[-1]
    assert last["data"] == {
        "jobId": encode_id(IdKind.JOB, job_id),
        "storyId": None,
        "userRef": None,
        "kind": "AVATAR",
        "seq": len(history),
        "event": "TRANSCODED",
        "state": "SUCCEEDED",
        "percent": 100,
        "outputId": encode_id(IdKind.ASSET, hooks.row(job_id).output_id),
        "error": None,
        "metadata": {"scene": 2},
    }
    assert read_activity_cursor(last["cursor"], hooks.account_id) == len(history)
    assert len({each.headers["webhook-id"] for each in receiver.requests}) == len(history)
    logged = hooks.log(endpoint_id)
    assert [each.position for each in logged] == list(range(1, len(history) + 1))
    assert {(each.response_status, each.failure, each.attempt) for each in logged} == {(200, None, 1)}
    assert [each.webhook_id for each in logged] == [each.headers["webhook-id"] for each in receiver.requests]


def test_a_failure_says_why(hooks: Hooks, receiver: Receiver) -> None:
    hooks.job(State.FAILED)
    endpoint_id = hooks.endpoint(receiver.url, W.JOB_FAILED)
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
    [received] = receiver.requests
    error = message(received)["data"]["error"]
    assert error == {"code": "INTERNAL", "message": "It broke.", "retryable": True}
    assert "a bug" not in received.body.decode()


def test_an_endpoint_receives_only_its_types(hooks: Hooks, receiver: Receiver) -> None:
    hooks.job(State.SUCCEEDED)
    few = hooks.endpoint(receiver.url, W.JOB_SUCCEEDED)
    none = hooks.endpoint(receiver.url, W.STORY_FAILED)
    with hooks.delivering():
        hooks.wait_until_through(few, none)
    assert [message(each)["type"] for each in receiver.requests] == ["job.succeeded"]
    assert hooks.read(none).succeeded_at is None


def test_what_happens_later_is_delivered_at_once(hooks: Hooks, receiver: Receiver) -> None:
    endpoint_id = hooks.endpoint(receiver.url)
    # Nothing but the call wakes it.
    with hooks.delivering(replace(QUICK, poll_s=3600)) as delivery:
        hooks.job()
        delivery.wake()
        receiver.wait_for(1)
        hooks.wait_until_through(endpoint_id)
    assert [message(each)["type"] for each in receiver.requests] == ["job.requested"]


def test_a_failed_message_is_repeated_and_the_later_ones_wait(hooks: Hooks, receiver: Receiver) -> None:
    job_id = hooks.job()
    hooks.tick(job_id, 2)
    receiver.next_statuses = [200, 500, 302, 200]
    endpoint_id = hooks.endpoint(receiver.url)
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
    assert seqs(receiver.requests) == [1, 2, 2, 2, 3]
    assert len({each.headers["webhook-id"] for each in receiver.requests}) == 3
    assert [(each.attempt, each.response_status, each.failure) for each in hooks.log(endpoint_id)] == [
        *((1, 200, None), (1, 500, "bad_status"), (2, 302, "bad_status"), (3, 200, None), (1, 200, None))
    ]
    endpoint = hooks.read(endpoint_id)
    assert (endpoint.state, endpoint.failures, endpoint.failing_since) == (WebhookEndpointState.ENABLED, 0, None)
    assert endpoint.failed_at is not None


def test_a_gone_endpoint_is_disabled_at_once_and_resumes_without_loss(hooks: Hooks, receiver: Receiver) -> None:
    job_id = hooks.job()
    receiver.next_statuses = [410]
    endpoint_id = hooks.endpoint(receiver.url)
    with hooks.delivering():
        eventually(lambda: hooks.read(endpoint_id).disabled_reason is WebhookDisabledReason.GONE)
        hooks.tick(job_id, 3)
        with hooks.engine.begin() as conn:
            enable_endpoint(conn, endpoint_id)
        hooks.wait_until_through(endpoint_id)
    assert seqs(receiver.requests) == [1, 1, 2, 3, 4]


def test_an_endpoint_that_fails_for_three_days_is_disabled_and_resumes_without_loss(
    hooks: Hooks, receiver: Receiver
) -> None:
    job_id = hooks.job()
    receiver.next_statuses = [503] * 2
    endpoint_id = hooks.endpoint(receiver.url)
    with hooks.delivering(replace(QUICK, policy=replace(QUICK.policy, delays_s=(3600.0,)))):
        eventually(lambda: hooks.read(endpoint_id).failures == 1)
    endpoint = hooks.read(endpoint_id)
    assert (endpoint.state, endpoint.position) == (WebhookEndpointState.FAILING, 0)
    assert endpoint.failing_since is not None
    assert 3600 <= (endpoint.due_at - endpoint.failing_since).total_seconds() <= 1.2 * 3600
    move_clock(hooks.engine, timedelta(days=3))
    with Receiver() as other, hooks.delivering():
        notified = hooks.endpoint(other.url, W.ENDPOINT_DISABLED)
        eventually(lambda: hooks.read(endpoint_id).disabled_reason is WebhookDisabledReason.FAILED)
        hooks.wait_until_through(notified)
        [notice] = [message(each) for each in other.requests]
        hooks.tick(job_id, 3)
        with hooks.engine.begin() as conn:
            enable_endpoint(conn, endpoint_id)
        hooks.wait_until_through(endpoint_id)
    assert seqs(receiver.requests) == [1, 1, 1, 2, 3, 4]
    public_id = encode_id(IdKind.WEBHOOK_ENDPOINT, endpoint_id)
    assert (notice["type"], notice["data"]) == (
        "endpoint.disabled",
        {"endpointId": public_id, "url": receiver.url, "disabledReason": "FAILED"},
    )


def test_notices_and_events_leave_no_gap_in_the_activity(hooks: Hooks, receiver: Receiver) -> None:
    job_id = hooks.job()
    receiver.next_statuses = [410] * 20
    endpoints = [hooks.endpoint(receiver.url, W.JOB_REQUESTED) for _ in range(20)]
    with hooks.delivering(name="one"), hooks.delivering(name="two"):
        while not all(hooks.read(each).disabled_reason for each in endpoints):
            hooks.tick(job_id)
    hooks.tick(job_id)
    positions = hooks.scalars("SELECT position FROM activity ORDER BY position")
    assert positions == list(range(1, len(positions) + 1))
    assert positions[-1] == hooks.scalar("SELECT position FROM activity_heads")
    notices = hooks.scalars("SELECT endpoint_id FROM activity WHERE type = 'endpoint_disabled'")
    assert sorted(notices) == sorted(endpoints)


def test_endpoints_that_do_not_respond_delay_no_other(hooks: Hooks, receiver: Receiver) -> None:
    """Ten of them, in two places, never seen before: the other has its message long before they are given up."""
    limits = replace(QUICK.limits, total_s=600.0)
    pace = replace(QUICK, places=2, failing_places=2, slow_after_s=0.05, limits=limits, lease=timedelta(hours=1))
    with ExitStack() as stack:
        silent = stack.enter_context(Receiver())
        silent.may_respond.clear()
        stack.callback(silent.may_respond.set)
        dead = [hooks.endpoint(silent.url) for _ in range(10)]
        # The one that is due last.
        endpoint_id = hooks.endpoint(receiver.url)
        hooks.job()
        stack.enter_context(hooks.delivering(pace))
        receiver.wait_for(1)
        hooks.wait_until_through(endpoint_id)
        assert {hooks.read(each).position for each in dead} == {0}
        silent.may_respond.set()
        hooks.wait_until_through(*dead)


def test_what_was_purged_is_passed_over(hooks: Hooks, receiver: Receiver) -> None:
    job_id = hooks.job()
    hooks.tick(job_id, 3)
    with hooks.engine.begin() as conn:
        conn.execute(text("DELETE FROM activity WHERE position <= 2"))
        conn.execute(text("UPDATE activity_heads SET purged = 2"))
    endpoint_id = hooks.endpoint(receiver.url)
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
    assert seqs(receiver.requests) == [3, 4]


def test_an_account_that_receives_little_of_much_is_read_to_the_end(hooks: Hooks, receiver: Receiver) -> None:
    hooks.job(State.FAILED)
    with hooks.engine.begin() as conn:
        conn.execute(
            text(
                "WITH more AS (INSERT INTO activity (account_id, position, type, at, job_id, seq, kind, state, event) "
                "SELECT a.account_id, n, a.type, a.at, a.job_id, 1, a.kind, 'queued', 'requested' "
                "FROM activity a, generate_series(100, 3000) n WHERE a.position = 1) "
                "UPDATE activity_heads SET position = 3000"
            )
        )
    endpoint_id = hooks.endpoint(receiver.url, W.JOB_FAILED)
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
    assert [json.loads(each.body)["type"] for each in receiver.requests] == ["job.failed"]


def test_the_default_reach_connects_to_no_private_address(hooks: Hooks, receiver: Receiver) -> None:
    from jobs.webhooks.reach import WebhookReach

    hooks.job()
    endpoint_id = hooks.endpoint(receiver.url)
    with hooks.delivering(reach=WebhookReach()):
        eventually(lambda: hooks.read(endpoint_id).failures)
    assert (receiver.requests, hooks.log(endpoint_id)[0].failure) == ([], "unreachable")
    assert HERE.accepts(receiver.url)
