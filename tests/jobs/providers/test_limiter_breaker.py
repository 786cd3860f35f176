"""Failures of some workers stop the submissions of all, until one that is admitted as a probe succeeds."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from db.engine.claims import ClaimedJob
from jobs.providers import failures
from jobs.providers.limiter import LimiterSettings
from jobs.worker.advance import AdvanceParts, advance
from statemachine.breaker import BreakerPolicy
from statemachine.outcomes import Accepted, OutcomeLost, Refused, Rejected
from statemachine.vocabulary import BreakerState
from tests.jobs.providers.limiter_workers import LONG_OUTAGE, Worker, queue
from tests.support.factories import REFUSED

ACCEPTED = Accepted("p1", 1.0)
LOST = OutcomeLost("HTTP 502 after sending")
NO_TOKEN = Refused(failures.of_status(401, '{"title": "Unauthenticated"}', None))
NO_CREDIT = Refused(failures.of_status(429, "Your rate limit is reduced while you have less than $5.0 in credit.", 7))
MODEL_GONE = Refused(failures.of_status(404, "no such model", None))
DOWN = Refused(failures.unreachable(ConnectionError("refused")))


def breaker_state(engine: Engine) -> BreakerState:
    with engine.connect() as conn:
        return BreakerState(conn.scalar(text("SELECT state FROM provider_breaker")))


@pytest.mark.parametrize("failed", [LOST, DOWN], ids=["lost", "down"])
def test_failures_of_several_workers_in_a_row_stop_all_of_them(
    engine: Engine, others: Engine, failed: OutcomeLost | Refused
) -> None:
    queue(engine, 5)
    workers = [Worker(each, LONG_OUTAGE) for each in (engine, others, engine)]
    for worker in workers:
        worker.limiter.observe(failed)
    assert [worker.claim(ahead_s=1) for worker in workers] == [[], [], []]


@pytest.mark.parametrize("success", [ACCEPTED, Rejected(REFUSED)], ids=["accepted", "rejected"])
def test_a_success_of_another_worker_ends_the_run_of_failures(
    engine: Engine, others: Engine, success: Accepted | Rejected
) -> None:
    mine, other = Worker(engine, LONG_OUTAGE), Worker(others, LONG_OUTAGE)
    mine.limiter.observe(LOST)
    mine.limiter.observe(LOST)
    other.claim()
    other.limiter.observe(success)
    mine.limiter.observe(LOST)
    assert breaker_state(engine) is BreakerState.CLOSED


@pytest.mark.parametrize("refused", [NO_TOKEN, NO_CREDIT], ids=["401", "429 for lack of credit"])
def test_an_account_error_stops_submissions_at_once_and_alerts_an_operator_once(
    engine: Engine, refused: Refused
) -> None:
    queue(engine, 5)
    worker = Worker(engine, LONG_OUTAGE)
    with capture_logs() as lines:
        for _ in range(4):
            worker.limiter.observe(refused)
    assert worker.claim() == []
    assert [(line["log_level"], line["event"], line["cause"]) for line in lines] == [
        ("critical", "submissions stopped", "account")
    ]


def test_an_account_error_of_a_prediction_stops_submissions_until_one_succeeds(engine: Engine, others: Engine) -> None:
    queue(engine, 5)
    at_once = LimiterSettings(breaker=BreakerPolicy(account_s=0, probe_s=600))
    mine, other = Worker(engine, at_once), Worker(others, at_once)
    with capture_logs() as lines:
        for words in ("Your credit is used up. (E001)", "The API key was not accepted. (E002)", "(E9828)"):
            mine.limiter.observe_end(failures.of_prediction_error(words))
        assert breaker_state(engine) is BreakerState.OPEN
        assert len(other.claim()) == 1
        other.limiter.observe(ACCEPTED)
        assert mine.claim() == [], "an acceptance alone proves nothing"
        other.limiter.observe_end(None)
        assert len(mine.claim()) == 4
    assert [(line["log_level"], line["event"]) for line in lines] == [
        ("critical", "submissions stopped"),
        ("warning", "submissions resumed"),
    ]
    assert "(E001)" in lines[0]["why"]


def test_an_error_of_one_model_neither_stops_nor_proves_the_others(engine: Engine) -> None:
    queue(engine, 2)
    worker = Worker(engine, LONG_OUTAGE)
    worker.limiter.observe(MODEL_GONE)
    worker.limiter.observe_end(MODEL_GONE.failure)
    assert len(worker.claim()) == 2
    queue(engine, 2)
    worker.limiter.observe(NO_TOKEN)
    assert len(worker.claim(ahead_s=601)) == 1
    worker.limiter.observe(MODEL_GONE)
    assert breaker_state(engine) is BreakerState.HALF_OPEN
    assert len(worker.claim(ahead_s=601)) == 1, "another job is the next probe"


def test_after_the_outage_exactly_one_job_is_admitted_as_a_probe(engine: Engine, others: Engine) -> None:
    queue(engine, 5)
    workers = [Worker(engine, LONG_OUTAGE), Worker(others, LONG_OUTAGE)]
    workers[0].limiter.observe(NO_TOKEN)
    claimed = [worker.claim(ahead_s=601) for worker in workers * 2]
    assert sorted(map(len, claimed)) == [0, 0, 0, 1]
    workers[0].limiter.observe(ACCEPTED)
    assert len(workers[1].claim(ahead_s=602)) == 4


def test_a_probe_that_was_not_sent_makes_room_for_the_next(engine: Engine) -> None:
    queue(engine, 5)
    worker = Worker(engine, LONG_OUTAGE)
    worker.limiter.observe(NO_TOKEN)
    assert len(worker.claim(ahead_s=601)) == 1
    worker.limiter.observe(None)
    assert len(worker.claim(ahead_s=601)) == 1


def test_a_probe_past_its_deadline_makes_room_for_the_next(engine: Engine) -> None:
    queue(engine, 5)
    worker = Worker(engine, LONG_OUTAGE)
    worker.limiter.observe(NO_TOKEN)
    (late,) = worker.claim(ahead_s=601)
    late = replace(late, deadline_at=late.claimed_at)
    recorder: Any = SimpleNamespace(record=lambda move, *_: None)
    discarded: list[ClaimedJob] = []
    parts = AdvanceParts(engine, recorder, steps={}, discard=discarded.append, limiter=worker.limiter)
    advance(late.claim, parts, known=late)
    assert discarded == []
    assert len(worker.claim(ahead_s=601)) == 1
