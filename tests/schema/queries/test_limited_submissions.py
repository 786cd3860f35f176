"""While no job may be submitted, queued jobs give the reason, and support sees the budgets and the breaker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import text

from jobs.providers import failures
from jobs.providers.limiter import LimiterSettings, SharedLimiter
from statemachine.breaker import BreakerPolicy
from statemachine.budget import Budget
from statemachine.outcomes import OutcomeLost, Refused
from tests.schema.documents import make_avatar
from tests.support.partners import TO_SUCCESS, Partner, move
from tests.support.serving import Server

WAITING = "query ($id: ID!) { job(id: $id) { waitingBecause { kind until message } } }"
STEPS = """{ steps {
  step budget { perMinute left blockedUntil } breaker { state cause detail openedAt until }
} }"""
SETTINGS = LimiterSettings(creates=Budget(60), breaker=BreakerPolicy(failures_max=2, outage_s=600, account_s=600))
NO_TOKEN = Refused(failures.of_status(401, '{"title": "Unauthenticated", "detail": "Go to the billing page"}', None))
BUSY = Refused(failures.of_status(429, "Request was throttled.", 300))


@pytest.fixture
def limiter(server: Server) -> Iterator[SharedLimiter]:
    """Yield the limiter that workers use, and reset it afterwards, because all tests share it."""
    yield SharedLimiter(server.engine, SETTINGS)
    with server.engine.begin() as conn:
        for table in ("provider_budgets", "provider_breaker"):
            conn.execute(text(f"DELETE FROM {table}"))
        conn.execute(text("INSERT INTO provider_budgets (call) VALUES ('create'), ('read')"))
        conn.execute(text("INSERT INTO provider_breaker DEFAULT VALUES"))


def because(caller: Partner, job_id: str) -> tuple[str, bool]:
    """Return the reason why a job waits, and True if its end is given."""
    found = caller.ask(WAITING, id=job_id)["job"]["waitingBecause"]
    return found["kind"], found["until"] is not None


def use_up_permits(server: Server, limiter: SharedLimiter) -> None:
    """Take every permit, as workers do."""
    with server.engine.begin() as conn:
        admission = limiter.admit(conn, 100)
        limiter.admitted(conn, admission, [uuid4() for _ in range(admission.most)])


def test_an_account_error_waits_for_an_operator_and_hides_the_providers_words(
    acme: Partner, limiter: SharedLimiter
) -> None:
    job_id = make_avatar(acme, acme.asset())
    limiter.observe(NO_TOKEN)
    assert because(acme, job_id) == ("OPERATOR", True)
    shown = json.dumps(acme.ask(WAITING, id=job_id)).lower()
    assert not [word for word in ("401", "billing", "unauthenticated", "replicate") if word in shown]


def test_an_outage_and_a_requested_wait_are_the_providers(acme: Partner, limiter: SharedLimiter) -> None:
    job_id = make_avatar(acme, acme.asset())
    limiter.observe(BUSY)
    assert because(acme, job_id) == ("PROVIDER_UNAVAILABLE", True)
    limiter.observe(OutcomeLost("HTTP 502 after sending"))
    assert because(acme, job_id) == ("PROVIDER_UNAVAILABLE", True)


def test_a_spent_budget_delays_only_jobs_that_are_not_submitted(
    acme: Partner, server: Server, limiter: SharedLimiter
) -> None:
    queued, running = make_avatar(acme, acme.asset()), make_avatar(acme, acme.asset())
    move(server.engine, running, *TO_SUCCESS[:2])
    assert because(acme, queued)[0] == "QUEUE"
    use_up_permits(server, limiter)
    assert because(acme, queued) == ("PROVIDER_BUDGET", False)
    assert because(acme, running)[0] == "QUEUE"


def test_support_sees_the_budgets_and_the_breaker(support: Partner, server: Server, limiter: SharedLimiter) -> None:
    steps = {each["step"]: each for each in support.ask(STEPS)["steps"]}
    assert steps["SUBMIT"]["breaker"]["state"] == "CLOSED"
    use_up_permits(server, limiter)
    limiter.observe(NO_TOKEN)
    steps = {each["step"]: each for each in support.ask(STEPS)["steps"]}
    budget, breaker = steps["SUBMIT"]["budget"], steps["SUBMIT"]["breaker"]
    assert (budget["perMinute"], budget["left"], budget["blockedUntil"]) == (60, 0, None)
    assert (breaker["state"], breaker["cause"]) == ("OPEN", "ACCOUNT")
    assert "billing" in breaker["detail"]
    assert breaker["until"] > breaker["openedAt"]
    assert steps["POLL"]["budget"] is not None
    assert steps["STORE"]["budget"] is steps["STORE"]["breaker"] is None
