"""A message of the provider is believed only with its signature, whose key is fetched when it is needed."""

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
