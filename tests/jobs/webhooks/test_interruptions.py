"""Workers share the endpoints: one that vanishes, stops or is cut off loses nothing, and a change meanwhile counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from db.engine.webhook_claims import EndpointResult, claim_endpoints, record_results
from db.records.webhook_endpoints import change_endpoint, delete_endpoint, disable_endpoint
from statemachine.vocabulary import WebhookDisabledReason
from tests.support.clock import move_clock
from tests.support.receiver import Receiver
from tests.support.webhooks import Hooks, seqs, without_repetitions

CLAIM: dict[str, Any] = {"worker": "other", "limit": 10, "most": 20, "lease_for": timedelta(seconds=30)}


def test_two_workers_share_the_endpoints(hooks: Hooks) -> None:
    with Receiver() as first, Receiver() as second:
        endpoints = {hooks.endpoint(each.url): each for each in (first, second)}
        job_id = hooks.job()
        with hooks.delivering(name="one") as one, hooks.delivering(name="two") as two:
            for _ in range(10):
                hooks.tick(job_id, 3)
                one.wake()
                two.wake()
            hooks.wait_until_through(*endpoints)
        for each in endpoints.values():
            # One worker at a time: nothing is repeated, and nothing overtakes.
            assert seqs(each.requests) == list(range(1, 32))


def test_the_endpoint_of_a_worker_that_vanished_is_taken_over(hooks: Hooks, receiver: Receiver) -> None:
    job_id = hooks.job()
    hooks.tick(job_id, 2)
    endpoint_id = hooks.endpoint(receiver.url)
    with hooks.engine.begin() as conn:
        [lost] = claim_endpoints(conn, failing=False, **CLAIM).endpoints
        assert claim_endpoints(conn, failing=False, **CLAIM).endpoints == ()
    move_clock(hooks.engine, timedelta(seconds=31))
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
    assert seqs(receiver.requests) == [1, 2, 3]
    # What the vanished one would record counts no more, but its attempts are logged.
    late = EndpointResult(endpoint_id, lost.lease, lost.position, 1, 1, 5, 100.0, WebhookDisabledReason.GONE)
    with hooks.engine.begin() as conn:
        assert record_results(conn, [(late, [])]) == set()
    assert hooks.is_through(endpoint_id)


def test_a_redelivery_amid_a_delivery_counts(hooks: Hooks, receiver: Receiver) -> None:
    job_id = hooks.job()
    hooks.tick(job_id, 2)
    endpoint_id = hooks.endpoint(receiver.url)
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
        receiver.may_respond.clear()
        hooks.tick(job_id)
        receiver.wait_for(4)
        with hooks.engine.begin() as conn:
            change_endpoint(conn, endpoint_id, position=1)
        receiver.may_respond.set()
        receiver.wait_for(7)
        hooks.wait_until_through(endpoint_id)
    assert seqs(receiver.requests) == [1, 2, 3, 4, 2, 3, 4]
    ids = [each.headers["webhook-id"] for each in receiver.requests]
    assert ids[1:4] == ids[4:]


@pytest.mark.parametrize("deleted", [False, True])
def test_an_endpoint_that_is_stopped_amid_a_delivery_stays_so(hooks: Hooks, receiver: Receiver, deleted: bool) -> None:
    job_id = hooks.job()
    endpoint_id = hooks.endpoint(receiver.url)
    other = hooks.endpoint(receiver.url)
    receiver.may_respond.clear()
    with hooks.delivering():
        receiver.wait_for(2)
        with hooks.engine.begin() as conn:
            if deleted:
                delete_endpoint(conn, endpoint_id)
            else:
                disable_endpoint(conn, endpoint_id, WebhookDisabledReason.REQUESTED)
        receiver.may_respond.set()
        hooks.tick(job_id)
        hooks.wait_until_through(other)
    assert len(receiver.requests) == 3
    assert deleted or hooks.read(endpoint_id).disabled_reason is WebhookDisabledReason.REQUESTED


def test_a_stopped_worker_records_what_it_delivered(hooks: Hooks, receiver: Receiver) -> None:
    job_id = hooks.job()
    hooks.tick(job_id, 5)
    endpoint_id = hooks.endpoint(receiver.url)
    receiver.may_respond.clear()
    with hooks.delivering() as delivery:
        receiver.wait_for(1)
        delivery.stop()
        receiver.may_respond.set()
    assert (len(receiver.requests), hooks.read(endpoint_id).position) == (1, 1)
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
    assert seqs(receiver.requests) == [1, 2, 3, 4, 5, 6]


def test_a_cut_connection_to_the_database_loses_nothing(hooks: Hooks, receiver: Receiver) -> None:
    job_id = hooks.job()
    endpoint_id = hooks.endpoint(receiver.url)
    with hooks.delivering(name="cut"):
        for _ in range(5):
            hooks.tick(job_id, 2)
            with hooks.engine.begin() as conn:
                conn.execute(
                    text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut'")
                )
        hooks.wait_until_through(endpoint_id)
    assert without_repetitions(seqs(receiver.requests)) == list(range(1, 12))
