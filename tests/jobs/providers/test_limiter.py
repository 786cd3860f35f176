"""One limiter in the database decides how many calls all workers together may make."""

from __future__ import annotations

from itertools import pairwise
from threading import Thread
from uuid import uuid4

from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect_worker
from db.engine.claims import ClaimedJob
from jobs.providers import failures
from jobs.providers.limiter import LimiterSettings, SharedLimiter
from statemachine.outcomes import Refused
from statemachine.vocabulary import State
from tests.jobs.providers.limiter_workers import LONG_OUTAGE, SLOW, Worker, queue
from tests.support.eventually import eventually

BUSY = Refused(failures.of_status(429, "Request was throttled.", 30))


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


def test_a_clock_that_is_set_back_stops_no_worker(engine: Engine) -> None:
    queue(engine, 30)
    worker = Worker(engine, SLOW)
    assert len(worker.claim(ahead_s=86_400)) == 6
    assert [len(worker.claim(ahead_s=ahead_s)) for ahead_s in (0.0, 3.5)] == [0, 3]


def test_concurrent_workers_are_admitted_one_after_another(engine: Engine, others: Engine) -> None:
    queue(engine, 30)
    first, second, claimed = Worker(engine, SLOW), Worker(others, SLOW), list[ClaimedJob]()
    thread = Thread(target=lambda: claimed.extend(second.claim()))
    with engine.begin() as conn:
        admission = first.limiter.admit(conn, 100)
        thread.start()
        eventually(lambda: is_a_session_waiting(engine) or not thread.is_alive())
        first.limiter.admitted(conn, admission, [uuid4() for _ in range(admission.most)])
    thread.join()
    assert (admission.most, claimed) == (6, [])


def test_a_worker_frozen_during_admission_delays_the_others_only_for_seconds(database_url: str) -> None:
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


def is_a_session_waiting(engine: Engine) -> bool:
    found = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with engine.connect() as conn:
        return bool(conn.scalar(text(found)))


def test_a_job_that_has_to_wait_keeps_its_place_and_its_attempts(engine: Engine) -> None:
    queue(engine, 10)
    worker = Worker(engine, SLOW)
    worker.claim()
    assert worker.claim() == []
    assert 0 < worker.admission.wait_s <= 1
    with engine.connect() as conn:
        waiting = conn.execute(text("SELECT DISTINCT attempt, failures, claims FROM jobs WHERE claimed_by IS NULL"))
        assert waiting.all() == [(0, 0, 0)]


def test_an_accounts_single_job_does_not_wait_behind_many_of_another_account(engine: Engine) -> None:
    queue(engine, 30)
    worker = Worker(engine, SLOW)
    assert len(worker.claim()) == 6
    (single,) = queue(engine, 1)
    assert single in {job.id for job in worker.claim(ahead_s=2.5)}


def test_permits_are_taken_only_for_claimed_jobs(engine: Engine) -> None:
    worker = Worker(engine, SLOW)
    assert worker.claim() == []
    queue(engine, 10)
    assert len(worker.claim()) == 6


def test_a_wait_that_the_provider_requests_applies_to_all_workers(engine: Engine, others: Engine) -> None:
    queue(engine, 3)
    Worker(engine, LONG_OUTAGE).limiter.observe(BUSY)
    other = Worker(others, LONG_OUTAGE)
    assert other.claim(ahead_s=28) == []
    assert len(other.claim(ahead_s=31)) >= 1


def test_no_more_jobs_than_the_limit_are_at_the_provider_or_on_their_way(engine: Engine) -> None:
    queue(engine, 2, State.GENERATING)
    queue(engine, 1, State.RECONCILING)
    queue(engine, 10)
    worker = Worker(engine, LimiterSettings(in_flight_most=5))
    assert len(worker.claim()) == 2
    assert worker.claim() == [], "the admitted jobs are on their way"
    assert len(worker.claim(ahead_s=61)) == 2, "a job whose lease has expired is no longer on its way"


def test_reads_are_counted_over_all_processes_and_waits_are_spread_out(engine: Engine, others: Engine) -> None:
    gates = [SharedLimiter(each, SLOW) for each in (engine, others)]
    waits = [gates[number % 2].read_in_s() for number in range(10)]
    assert 0 < sum(wait_s == 0 for wait_s in waits) <= 6
    waits_s = [wait_s for wait_s in waits if wait_s]
    assert [later - earlier > 0.5 for earlier, later in pairwise(waits_s)] == [True] * (len(waits_s) - 1)


def test_reads_that_cannot_wait_are_made_and_leave_fewer_for_the_others(engine: Engine) -> None:
    limiter = SharedLimiter(engine, SLOW)
    limiter.must_read(9)
    assert limiter.read_in_s() > 3


def test_a_throttled_read_delays_the_reads_of_all_processes(engine: Engine, others: Engine) -> None:
    limiter = SharedLimiter(engine, SLOW)
    assert limiter.read_in_s() == 0
    limiter.observe_read(failures.of_status(429, "Request was throttled.", 30))
    assert limiter.read_in_s() > 25
    assert SharedLimiter(others, SLOW).read_in_s() > 25
