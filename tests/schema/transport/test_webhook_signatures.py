"""A webhook is believed only with a valid signature, whose key is fetched when needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from jobs.tracking.provider_webhooks import SigningKey
from schema.transport.provider_webhook import BODY_BYTES_MAX
from statemachine.vocabulary import State
from tests.schema.transport.webhooks import KEY, OTHER_KEY, body_of, job_in, row, send, signed
from tests.support.eventually import scaled
from tests.support.serving import Server, serving

BODY = body_of("p1")
REFUSED: dict[str, Callable[[], tuple[bytes, dict[str, str]]]] = {
    "unsigned": lambda: (BODY, {}),
    "signed with another key": lambda: (BODY, signed(BODY, OTHER_KEY)),
    "replayed after five minutes": lambda: (BODY, signed(BODY, at=datetime.now(UTC) - timedelta(minutes=6))),
    "from the future": lambda: (BODY, signed(BODY, at=datetime.now(UTC) + timedelta(minutes=6))),
    "changed on the way": lambda: (BODY + b" ", signed(BODY)),
    "a signature without a comma": lambda: (BODY, signed(BODY) | {"webhook-signature": "v1"}),
    "a signature that is not base64": lambda: (BODY, signed(BODY) | {"webhook-signature": "v1,*"}),
    "an invalid time": lambda: (BODY, signed(BODY) | {"webhook-timestamp": "yesterday"}),
    "a time beyond every clock": lambda: (BODY, signed(BODY) | {"webhook-timestamp": "9" * 400}),
    "not UTF-8": lambda: (b"\xff", signed(BODY)),
    "not JSON": lambda: (b"{", signed(b"{")),
    "not an object": lambda: (b"[]", signed(b"[]")),
    "not a prediction": lambda: (b'{"id": "x"}', signed(b'{"id": "x"}')),
    "an id with a null character": lambda: (body_of("\0"), signed(body_of("\0"))),
    "an id that is too long": lambda: (BODY, signed(BODY, webhook_id="x" * 201)),
}


@pytest.mark.parametrize("flaw", REFUSED)
def test_an_unverified_webhook_is_refused(webhook_server: Server, flaw: str) -> None:
    job = job_in(webhook_server, State.SUBMITTING)
    body, headers = REFUSED[flaw]()
    assert send(webhook_server, job.token, body, headers) == 401
    assert row(webhook_server, job.id) == job


def test_a_body_above_the_limit_is_refused(webhook_server: Server) -> None:
    assert send(webhook_server, uuid4(), b"x" * (BODY_BYTES_MAX + 1), {}) == 413


def test_the_address_does_not_exist_where_no_webhooks_are_requested(server: Server) -> None:
    assert send(server, uuid4(), BODY) == 404


def test_the_key_is_fetched_when_needed_and_renewed_at_most_once_a_minute(api_database: str) -> None:
    keys = iter([OTHER_KEY, KEY])
    now = [0.0]
    key = SigningKey(fetch=lambda: next(keys), clock=lambda: now[0])
    with serving(api_database, webhook_key=key) as running:
        assert send(running, uuid4(), BODY, signed(BODY, OTHER_KEY)) == 202
        now[0] = 59.0
        # A newer key is not fetched yet, however many messages fail verification.
        assert [send(running, uuid4(), BODY) for _ in range(3)] == [401] * 3
        now[0] = 60.0
        assert send(running, uuid4(), BODY) == 202
        assert send(running, uuid4(), BODY, {}) == 401


def test_requests_during_the_fetch_of_the_key_do_not_wait_for_it(api_database: str) -> None:
    """Any client may send a request, and each that waits would block a thread that uploads need."""
    fetching, may_respond = threading.Event(), threading.Event()

    def fetch() -> str:
        fetching.set()
        assert may_respond.wait(scaled(10))
        return KEY

    key = SigningKey(fetch=fetch)
    with serving(api_database, webhook_key=key) as running, ThreadPoolExecutor(1) as pool:
        first = pool.submit(send, running, uuid4(), BODY)
        try:
            assert fetching.wait(scaled(10))
            assert not key.may_renew
            forged = httpx.post(f"{running.url}/webhooks/replicate", content=BODY, timeout=scaled(5))
            assert forged.status_code == 503
            late = threading.Thread(target=key.renew, daemon=True)
            late.start()
            late.join(scaled(5))
            assert not late.is_alive()
        finally:
            may_respond.set()
        assert first.result(scaled(10)) == 202


def test_without_a_key_the_provider_is_asked_to_try_again(api_database: str) -> None:
    with serving(api_database, webhook_key=SigningKey()) as running:
        response = httpx.post(f"{running.url}/webhooks/replicate?token={uuid4()}", content=BODY, headers=signed(BODY))
        assert response.status_code == 503
