"""The doctor reports why nothing is submitted, and what was spent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from db.ids import new_id
from diorama.doctor.findings import Finding
from diorama.doctor.submissions import examine_submissions
from jobs.providers import failures
from jobs.providers.limiter import LimiterSettings, SharedLimiter
from statemachine.breaker import BreakerPolicy
from statemachine.outcomes import Accepted, OutcomeLost, Refused
from statemachine.vocabulary import State
from tests.support.clock import move_clock
from tests.support.factories import make_job, make_world

NO_CREDIT = Refused(failures.of_status(402, '{"title":"Insufficient credit",\n"status":402}', None))
BUSY = Refused(failures.of_status(429, '{"retry_after": 40}', 40.0))


@pytest.fixture
def limiter(engine: Engine) -> SharedLimiter:
    """The limiter of a worker, whose breaker two failures open."""
    return SharedLimiter(engine, LimiterSettings(breaker=BreakerPolicy(failures_max=2)))


def found(engine: Engine) -> dict[str, Finding]:
    """Return the doctor's findings by their subject."""
    with engine.connect() as conn:
        return {each.what: each for each in examine_submissions(conn)}


def test_a_day_on_which_all_is_well(engine: Engine) -> None:
    findings = found(engine)
    assert findings["submissions"].ok is True
    assert findings["spent"].detail.startswith("$0.00 by our own books, on 0 submissions")


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (NO_CREDIT, "an account error at the provider (HTTP 402: "),
        (OutcomeLost("HTTP 502 after sending"), "an outage of the provider (HTTP 502 after sending)"),
    ],
)
def test_the_stop_of_submissions_is_reported_until_one_is_accepted(
    engine: Engine, limiter: SharedLimiter, outcome: Refused | OutcomeLost, reason: str
) -> None:
    for _ in range(2):
        limiter.observe(outcome)
    stopped = found(engine)["submissions"]
    assert stopped.ok is False
    assert reason in stopped.detail
    assert "resume by themselves" in stopped.detail
    assert "\n" not in stopped.detail
    move_clock(engine, timedelta(hours=1))
    with engine.begin() as conn:
        limiter.admitted(conn, limiter.admit(conn, 1), [new_id()])
    limiter.observe(Accepted("p", 1.0))
    assert found(engine)["submissions"].ok is True


def test_a_pause_that_the_provider_requests_is_no_fault(engine: Engine, limiter: SharedLimiter) -> None:
    limiter.observe(BUSY)
    waiting = found(engine)["submissions"]
    assert waiting.ok is None
    assert "at the provider's request" in waiting.detail


def test_spending_covers_the_last_day(engine: Engine) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, make_world(conn), State.SUCCEEDED)
        conn.execute(text("UPDATE attempts SET cost_micros = 47000 WHERE job_id = :id"), {"id": job_id})
    assert found(engine)["spent"].detail.startswith("$0.05 by our own books, on 1 submissions")
    move_clock(engine, timedelta(hours=25))
    assert found(engine)["spent"].detail.startswith("$0.00 by our own books, on 0 submissions")
