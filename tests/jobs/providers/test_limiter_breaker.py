"""Failures of one worker's submissions stop the submissions of all, until one that is let through succeeds."""

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
from tests.jobs.providers.limiter_workers import PATIENT, Worker, queue
from tests.support.factories import REFUSED

TAKEN = Accepted("p1", 1.0)
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
    workers = [Worker(each, PATIENT) for each in (engine, others, engine)]
    for worker in workers:
        worker.limiter.observe(failed)
    assert [worker.claim(ahead_s=1) for worker in workers] == [[], [], []]


@pytest.mark.parametrize("went_well", [TAKEN, Rejected(REFUSED)], ids=["taken", "declined"])
def test_a_success_of_another_worker_ends_the_run_of_failures(
    engine: Engine, others: Engine, went_well: Accepted | Rejected
) -> None:
    mine, other = Worker(engine, PATIENT), Worker(others, PATIENT)
    mine.limiter.observe(LOST)
    mine.limiter.observe(LOST)
    other.claim()
    other.limiter.observe(went_well)
    mine.limiter.observe(LOST)
    assert breaker_state(engine) is BreakerState.CLOSED


@pytest.mark.parametrize("refused", [NO_TOKEN, NO_CREDIT], ids=["401", "429 for want of credit"])
def test_trouble_with_the_account_stops_submissions_at_once_and_calls_a_person_once(
    engine: Engine, refused: Refused
) -> None:
    queue(engine, 5)
    worker = Worker(engine, PATIENT)
    with capture_logs() as lines:
        for _ in range(4):
            worker.limiter.observe(refused)
    assert worker.claim() == []
    assert [(line["log_level"], line["event"], line["cause"]) for line in lines] == [
        ("critical", "submissions stopped", "account")
    ]


def test_trouble_that_predictions_tell_of_stops_submissions_until_one_succeeds_and_calls_a_person_once(
    engine: Engine, others: Engine
) -> None:
    queue(engine, 5)
    at_once = LimiterSettings(breaker=BreakerPolicy(account_s=0, probe_s=600))
    mine, other = Worker(engine, at_once), Worker(others, at_once)
    with capture_logs() as lines:
        for words in ("Your credit is used up. (E001)", "The API key was not accepted. (E002)", "(E9828)"):
            mine.limiter.observe_end(failures.of_prediction_error(words))
        assert breaker_state(engine) is BreakerState.OPEN
        assert len(other.claim()) == 1
        other.limiter.observe(TAKEN)
        assert mine.claim() == [], "that it was taken proves nothing"
        other.limiter.observe_end(None)
        assert len(mine.claim()) == 4
    assert [(line["log_level"], line["event"]) for line in lines] == [
        ("critical", "submissions stopped"),
        ("warning", "submissions resumed"),
    ]
    assert "(E001)" in lines[0]["why"]


def test_trouble_with_one_model_stops_no_other_and_proves_nothing_of_them(engine: Engine) -> None:
    queue(engine, 2)
    worker = Worker(engine, PATIENT)
    worker.limiter.observe(MODEL_GONE)
    worker.limiter.observe_end(MODEL_GONE.failure)
    assert len(worker.claim()) == 2
    queue(engine, 2)
    worker.limiter.observe(NO_TOKEN)
    assert len(worker.claim(ahead_s=601)) == 1
    worker.limiter.observe(MODEL_GONE)
    assert breaker_state(engine) is BreakerState.HALF_OPEN
    assert len(worker.claim(ahead_s=601)) == 1, "another one shows how things are"


def test_after_the_pause_exactly_one_job_is_let_through(engine: Engine, others: Engine) -> None:
    queue(engine, 5)
    workers = [Worker(engine, PATIENT), Worker(others, PATIENT)]
    workers[0].limiter.observe(NO_TOKEN)
    claimed = [worker.claim(ahead_s=601) for worker in workers * 2]
    assert sorted(map(len, claimed)) == [0, 0, 0, 1]
    workers[0].limiter.observe(TAKEN)
    assert len(workers[1].claim(ahead_s=602)) == 4


def test_one_that_did_not_come_to_the_provider_makes_room_for_the_next(engine: Engine) -> None:
    queue(engine, 5)
    worker = Worker(engine, PATIENT)
    worker.limiter.observe(NO_TOKEN)
    assert len(worker.claim(ahead_s=601)) == 1
    worker.limiter.observe(None)
    assert len(worker.claim(ahead_s=601)) == 1


def test_one_that_was_past_its_deadline_makes_room_for_the_next(engine: Engine) -> None:
    queue(engine, 5)
    worker = Worker(engine, PATIENT)
    worker.limiter.observe(NO_TOKEN)
    (late,) = worker.claim(ahead_s=601)
    late = replace(late, deadline_at=late.claimed_at)
    recorder: Any = SimpleNamespace(record=lambda move, *_: None)
    discarded: list[ClaimedJob] = []
    parts = AdvanceParts(engine, recorder, steps={}, discard=discarded.append, limiter=worker.limiter)
    advance(late.claim, parts, known=late)
    assert discarded == []
    assert len(worker.claim(ahead_s=601)) == 1
