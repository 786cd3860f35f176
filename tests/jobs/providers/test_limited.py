"""Each call of the provider's API is counted, and a call that cannot wait is not delayed."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, create_engine, text

from jobs.providers import failures
from jobs.providers.limited import LimitedProvider
from jobs.providers.limiter import LimiterSettings, SharedLimiter
from jobs.providers.provider import ProviderError, Sought
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from statemachine.budget import Budget
from statemachine.outcomes import OutcomeLost, RetryPolicy
from tests.jobs.providers.test_odd_responses import OddServer
from tests.support.scripted import SilentProvider, ThreePages

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = uuid4()
SEVEN_AT_ONCE = LimiterSettings(reads=Budget(60, burst_share=7 / 60))


@pytest.fixture
def provider(engine: Engine) -> LimitedProvider:
    inner: Any = ThreePages(TOKEN, NOW)
    return LimitedProvider(inner, SharedLimiter(engine, SEVEN_AT_ONCE))


def sought(token: UUID) -> Sought:
    return Sought(token, timedelta(0))


def permits(engine: Engine) -> float:
    with engine.connect() as conn:
        return float(conn.scalar(text("SELECT permits FROM provider_budgets WHERE call = 'read'")) or 0)


def test_each_page_counts_as_a_call_and_reading_stops_at_the_sought_prediction(
    provider: LimitedProvider, engine: Engine
) -> None:
    """Reading the provider's time may take a call as well."""
    assert provider.find(sought(TOKEN)) == "p"
    assert 4 <= permits(engine) < 6
    assert provider.find(sought(uuid4())) is None
    assert 0 <= permits(engine) < 1


def test_a_read_without_a_permit_is_delayed_and_not_sent(provider: LimitedProvider, engine: Engine) -> None:
    for _ in range(2):
        assert provider.find(sought(uuid4())) is None
    with pytest.raises(ProviderError) as caught:
        provider.get("p")
    failure = caught.value.failure
    assert (failure.retry_policy, failure.status) == (RetryPolicy.WAIT, None)
    assert failure.retry_after_s is not None
    assert failure.retry_after_s > 0.5


def test_an_upload_needs_a_permit_and_counts_as_a_failure_if_it_fails(
    provider: LimitedProvider, engine: Engine
) -> None:
    """The breaker counts it like a failed submission: no submission can be made without its picture."""
    with pytest.raises(ProviderError, match="503"):
        provider.upload("a.jpg", b"", uuid4())
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT failures FROM provider_breaker")) == 1
    with engine.begin() as conn:
        conn.execute(text("UPDATE provider_budgets SET permits = -30"))
    with pytest.raises(ProviderError, match="our own read budget"):
        LimitedProvider(cast(Any, ThreePages(TOKEN, NOW)), SharedLimiter(engine, SEVEN_AT_ONCE)).upload(
            "a.jpg", b"", uuid4()
        )


def test_a_throttled_read_makes_every_process_wait(provider: LimitedProvider, engine: Engine) -> None:
    with pytest.raises(ProviderError, match="429"):
        provider.get("p")
    assert SharedLimiter(engine, SEVEN_AT_ONCE).read_in_s() > 50


def test_the_outcome_of_a_paid_call_is_returned_even_while_the_database_is_away() -> None:
    away = create_engine("postgresql+psycopg://none@127.0.0.1:1/nothing")
    inner: Any = SilentProvider()
    outcome = LimitedProvider(inner, SharedLimiter(away)).submit(cast(Any, None))
    assert outcome == OutcomeLost("no response")


def test_a_throttled_read_of_an_inline_output_counts_like_any_other(engine: Engine) -> None:
    with OddServer() as server, closing(ReplicateProvider(ReplicateSettings("r8_test", server.url))) as inner:
        server.status, server.body = 429, b'{"detail": "Request was throttled.", "retry_after": 60}'
        limited = LimitedProvider(inner, SharedLimiter(engine, SEVEN_AT_ONCE))
        with pytest.raises(ProviderError, match="429"), limited.fetch("inline:p/0", most_bytes=1):
            pass
    assert SharedLimiter(engine, SEVEN_AT_ONCE).read_in_s() > 50


def test_an_error_of_the_reader_of_an_inline_output_is_not_the_providers(engine: Engine) -> None:
    with OddServer() as server, closing(ReplicateProvider(ReplicateSettings("r8_test", server.url))) as inner:
        server.body = b'{"id": "p", "status": "succeeded", "output": ["data:image/png;base64,AA=="]}'
        limited = LimitedProvider(inner, SharedLimiter(engine, SEVEN_AT_ONCE))
        failure = failures.of_status(429, "Request was throttled.", 60)
        with pytest.raises(ProviderError), limited.fetch("inline:p/0", most_bytes=1):
            raise ProviderError(failure)
    assert SharedLimiter(engine, SEVEN_AT_ONCE).read_in_s() < 50
