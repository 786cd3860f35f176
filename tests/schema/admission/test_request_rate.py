"""A caller has a rate of requests: each response says what is left of it, and one too many gets 429."""

from __future__ import annotations

from uuid import uuid4

import pytest

from jobs.identity import Principal
from schema.admission import request_rate
from schema.admission.request_rate import RequestRates
from schema.runtime import ApiSettings
from tests.support.databases import unique_name
from tests.support.partners import partner
from tests.support.serving import Caller, serving

RATE = "{ rateLimit { requests windowSeconds remaining fullInSeconds } }"


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _key() -> Principal:
    return Principal(uuid4(), "partner", "key")


def test_tokens_come_back_evenly() -> None:
    clock, acme = Clock(), _key()
    rates = RequestRates(60, 6, clock)
    taken = [rates.take(acme) for _ in range(61)]
    assert [each.remaining for each in taken[:3]] == [59, 58, 57]
    assert [each.error for each in taken[:60]] == [None] * 60
    assert (taken[60].retry_after_s, taken[60].remaining, taken[60].full_in_s) == (1, 0, 60)
    assert rates.take(_key()).error is None, "another account"
    clock.now += 1
    assert [rates.take(acme).error is None for _ in range(2)] == [True, False]
    clock.now += 3600
    assert rates.look(acme).remaining == rates.look(acme).quota == 60, "a look takes nothing"


def test_the_callers_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_rate, "_BUCKETS_MAX", 3)
    rates, acme = RequestRates(2, 2, Clock()), _key()
    for caller in (_key(), acme, _key(), acme, _key(), _key()):
        rates.take(caller)
    assert len(rates._buckets) == 3
    assert rates.take(acme).error is not None, "the one seen longest ago is dropped first"


def test_one_too_many_gets_429_and_when_to_come_back(api_database: str) -> None:
    with serving(api_database, ApiSettings(key_requests_per_min=120, session_requests_per_min=2)) as server:
        acme = partner(server, unique_name("acme"))
        user, same, other = acme.user("ada"), acme.user("ada"), acme.user("bo")
        first, second, third = [caller.post(RATE) for caller in (user, same, user)]
        assert first.headers["ratelimit-policy"] == '"requests";q=2;w=60'
        assert first.headers["ratelimit"] == '"requests";r=1;t=30'
        shown = first.json()["data"]["rateLimit"]
        assert shown == {"requests": 2, "windowSeconds": 60, "remaining": 1, "fullInSeconds": 30}
        assert (second.status_code, third.status_code) == (200, 429)
        assert 0 < int(third.headers["retry-after"]) <= 30
        assert third.headers["ratelimit"].startswith('"requests";r=0;t=')
        [error] = third.json()["errors"]
        assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("RATE_LIMITED", True)
        assert error["extensions"]["retryAfterMs"] == 1000 * int(third.headers["retry-after"])
        assert other.post(RATE).status_code == 200
        assert acme.post(RATE).headers["ratelimit-policy"] == '"requests";q=120;w=60'
        assert "ratelimit" not in Caller(server, "nothing").post(RATE).headers


def test_operations_on_a_socket_count_as_well(api_database: str) -> None:
    with serving(api_database, ApiSettings(session_requests_per_min=1)) as server:
        user = partner(server, unique_name("acme")).user("ada")
        with user.socket() as socket:
            received = []
            for _ in range(2):
                socket.begin(RATE)
                received.append(socket.receive()["type"])
            received.append(socket.receive()["type"])
        assert sorted(received) == ["complete", "error", "next"]
        assert user.post(RATE).status_code == 429
