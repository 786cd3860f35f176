"""What all workers together may ask of the provider is decided in one place, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from threading import Thread
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from db.connection import DatabaseSettings, connect, connect_worker
from db.engine.claims import ClaimedJob, claim_due
from jobs.providers import failures
from jobs.providers.limiter import Admission, LimiterSettings, SharedLimiter
from jobs.worker.advance import AdvanceParts, advance
from statemachine.breaker import BreakerPolicy
from statemachine.budget import Budget
from statemachine.outcomes import Accepted, OutcomeLost, Refused, Rejected
from statemachine.vocabulary import BreakerState, State, Step
from tests.support.eventually import eventually
from tests.support.factories import REFUSED, make_job, make_world

TAKEN = Accepted("p1", 1.0)
LOST = OutcomeLost("HTTP 502 after sending")
NO_TOKEN = Refused(failures.of_status(401, '{"title": "Unauthenticated"}', None))
NO_CREDIT = Refused(failures.of_status(429, "Your rate limit is reduced while you have less than $5.0 in credit.", 7))
BUSY = Refused(failures.of_status(429, "Request was throttled.", 30))
MODEL_GONE = Refused(failures.of_status(404, "no such model", None))
DOWN = Refused(failures.unreachable(ConnectionError("refused")))

SLOW = LimiterSettings(creates=Budget(60, burst_share=0.1), reads=Budget(60, burst_share=0.1))
PATIENT = LimiterSettings(breaker=BreakerPolicy(failures_max=3, outage_s=600, account_s=600))


class Worker:
    """A process of its own, as far as the limiter can tell."""

    def __init__(self, engine: Engine, settings: LimiterSettings) -> None:
        self.engine = engine
        self.limiter = SharedLimiter(engine, settings)
        self.admission = Admission(0)

    def claim(self, limit: int = 100, ahead_s: float = 0.0) -> list[ClaimedJob]:
        """Claim as the broker does, at a time by the database's clock."""
        with self.engine.begin() as conn:
            conn.execute(text("SELECT set_config('diorama.clock_offset', :by, true)"), {"by": f"{ahead_s} seconds"})

            def admit(want: int) -> int:
                self.admission = self.limiter.admit(conn, want)
                return self.admission.most

            lease_for = timedelta(seconds=60)
            jobs = claim_due(conn, Step.SUBMIT, worker="w", limit=limit, lease_for=lease_for, admit=admit)
            queued = [job for job in jobs if job.state is State.QUEUED]
            self.limiter.admitted(conn, self.admission, [job.id for job in queued])
            return queued


@pytest.fixture
def others(database_url: str) -> Iterator[Engine]:
    engine = connect(DatabaseSettings(database_url, pool_size=4), name="other")
    yield engine
    engine.dispose()


def queue(engine: Engine, number: int, state: State = State.QUEUED) -> list[UUID]:
    with engine.begin() as conn:
        world = make_world(conn)
        return [make_job(conn, world, state) for _ in range(number)]


def breaker_state(engine: Engine) -> BreakerState:
    with engine.connect() as conn:
        return BreakerState(conn.scalar(text("SELECT state FROM provider_breaker")))


def test_all_workers_together_begin_no_more_jobs_than_there_are_permits(engine: Engine, others: Engine) -> None:
    queue(engine, 30)
    workers, claimed = [Worker(each, SLOW) for each in (engine, others, engine, others)], []
    threads = [Thread(target=lambda worker=worker: claimed.extend(worker.claim())) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 6
    assert len(workers[0].claim(ahead_s=5.5)) == 5


def test_a_clock_that_was_ahead_and_is_set_back_stops_nobody(engine: Engine) -> None:
    queue(engine, 30)
    worker = Worker(engine, SLOW)
    assert len(worker.claim(ahead_s=86_400)) == 6
    assert [len(worker.claim(ahead_s=ahead_s)) for ahead_s in (0.0, 3.5)] == [0, 3]


def test_who_asks_meanwhile_waits_for_the_answer_before(engine: Engine, others: Engine) -> None:
    queue(engine, 30)
    first, second, claimed = Worker(engine, SLOW), Worker(others, SLOW), list[ClaimedJob]()
    thread = Thread(target=lambda: claimed.extend(second.claim()))
    with engine.begin() as conn:
        admission = first.limiter.admit(conn, 100)
        thread.start()
        eventually(lambda: is_anybody_waiting(engine) or not thread.is_alive())
        first.limiter.admitted(conn, admission, [uuid4() for _ in range(admission.most)])
    thread.join()
    assert (admission.most, claimed) == (6, [])


def test_a_worker_that_is_frozen_while_it_asks_holds_up_the_others_for_seconds_only(database_url: str) -> None:
    """It keeps its lock until Postgres ends its transaction; the others wait for longer than that."""
    engines = [connect_worker(DatabaseSettings(database_url, pool_size=4), name=name) for name in ("frozen", "other")]
    queue(engines[1], 3)
    frozen, other = (Worker(engine, SLOW) for engine in engines)
    with engines[0].connect() as conn:
        assert frozen.limiter.admit(conn, 100).most == 6
        assert len(other.claim()) == 3
        conn.invalidate()
    for engine in engines:
        engine.dispose()


def is_anybody_waiting(engine: Engine) -> bool:
    found = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with engine.connect() as conn:
        return bool(conn.scalar(text(found)))


def test_who_has_to_wait_keeps_its_place_and_burns_nothing(engine: Engine) -> None:
    queue(engine, 10)
    worker = Worker(engine, SLOW)
    worker.claim()
    assert worker.claim() == []
    assert 0 < worker.admission.wait_s <= 1
    with engine.connect() as conn:
        waiting = conn.execute(text("SELECT DISTINCT attempt, failures, claims FROM jobs WHERE claimed_by IS NULL"))
        assert waiting.all() == [(0, 0, 0)]


def test_another_accounts_single_job_does_not_wait_behind_many_that_had_no_permit(engine: Engine) -> None:
    queue(engine, 30)
    worker = Worker(engine, SLOW)
    assert len(worker.claim()) == 6
    (single,) = queue(engine, 1)
    assert single in {job.id for job in worker.claim(ahead_s=2.5)}


def test_permits_are_taken_for_claimed_jobs_only(engine: Engine) -> None:
    worker = Worker(engine, SLOW)
    assert worker.claim() == []
    queue(engine, 10)
    assert len(worker.claim()) == 6


def test_a_wait_that_the_provider_asks_for_is_everybodys(engine: Engine, others: Engine) -> None:
    queue(engine, 3)
    Worker(engine, PATIENT).limiter.observe(BUSY)
    other = Worker(others, PATIENT)
    assert other.claim(ahead_s=28) == []
    assert len(other.claim(ahead_s=31)) >= 1


def test_no_more_jobs_than_the_limit_are_at_the_provider_or_on_their_way(engine: Engine) -> None:
    queue(engine, 2, State.GENERATING)
    queue(engine, 1, State.RECONCILING)
    queue(engine, 10)
    worker = Worker(engine, LimiterSettings(in_flight_most=5))
    assert len(worker.claim()) == 2
    assert worker.claim() == [], "those that were let through are on their way"
    assert len(worker.claim(ahead_s=61)) == 2, "nobody is on the way any more whose lease has ended"


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


def test_reads_are_counted_over_all_processes_and_the_many_come_back_one_by_one(engine: Engine, others: Engine) -> None:
    gates = [SharedLimiter(each, SLOW) for each in (engine, others)]
    waits = [gates[number % 2].read_in_s() for number in range(10)]
    assert 0 < sum(wait_s == 0 for wait_s in waits) <= 6
    put_off = [wait_s for wait_s in waits if wait_s]
    assert [later - earlier > 0.5 for earlier, later in pairwise(put_off)] == [True] * (len(put_off) - 1)


def test_reads_that_can_not_wait_are_made_and_leave_the_others_less(engine: Engine) -> None:
    limiter = SharedLimiter(engine, SLOW)
    limiter.must_read(9)
    assert limiter.read_in_s() > 3


def test_a_throttled_read_keeps_all_from_reading(engine: Engine, others: Engine) -> None:
    limiter = SharedLimiter(engine, SLOW)
    assert limiter.read_in_s() == 0
    limiter.observe_read(failures.of_status(429, "Request was throttled.", 30))
    assert limiter.read_in_s() > 25
    assert SharedLimiter(others, SLOW).read_in_s() > 25
