"""The doctor says why nothing is submitted, and what was spent."""

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
    """The limiter of a worker, which two failures close."""
    return SharedLimiter(engine, LimiterSettings(breaker=BreakerPolicy(failures_max=2)))


def found(engine: Engine) -> dict[str, Finding]:
    """Return what the doctor tells, by what it is about."""
    with engine.connect() as conn:
        return {each.what: each for each in examine_submissions(conn)}


def test_a_day_on_which_all_is_well(engine: Engine) -> None:
    told = found(engine)
    assert told["submissions"].ok is True
    assert told["spent"].told.startswith("$0.00 by our own books, for 0 submissions")


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (NO_CREDIT, "trouble with the provider's account (HTTP 402: "),
        (OutcomeLost("HTTP 502 after sending"), "an outage of the provider (HTTP 502 after sending)"),
    ],
)
def test_what_stops_submissions_is_told_until_one_is_taken(
    engine: Engine, limiter: SharedLimiter, outcome: Refused | OutcomeLost, reason: str
) -> None:
    for _ in range(2):
        limiter.observe(outcome)
    stopped = found(engine)["submissions"]
    assert stopped.ok is False
    assert reason in stopped.told
    assert "go on by themselves" in stopped.told
    assert "\n" not in stopped.told
    move_clock(engine, timedelta(hours=1))
    with engine.begin() as conn:
        limiter.admitted(conn, limiter.admit(conn, 1), [new_id()])
    limiter.observe(Accepted("p", 1.0))
    assert found(engine)["submissions"].ok is True


def test_a_wait_that_the_provider_asked_for_is_no_fault(engine: Engine, limiter: SharedLimiter) -> None:
    limiter.observe(BUSY)
    waiting = found(engine)["submissions"]
    assert waiting.ok is None
    assert "because the provider asked for it" in waiting.told


def test_what_was_spent_is_that_of_the_last_day(engine: Engine) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, make_world(conn), State.SUCCEEDED)
        conn.execute(text("UPDATE attempts SET cost_micros = 47000 WHERE job_id = :id"), {"id": job_id})
    assert found(engine)["spent"].told.startswith("$0.05 by our own books, for 1 submissions")
    move_clock(engine, timedelta(hours=25))
    assert found(engine)["spent"].told.startswith("$0.00 by our own books, for 0 submissions")
