"""The response to a paid call is recorded before anything that may wait."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, text

from jobs.providers.limiter import SharedLimiter
from jobs.providers.provider import Submission
from jobs.tracking import durations
from statemachine.outcomes import Accepted, OutcomeLost, Refused, RetryPolicy
from statemachine.outcomes import Failure as Failed
from statemachine.vocabulary import ErrorCode
from tests.support.eventually import scaled
from tests.support.factories import World, make_job
from tests.support.fakes import Submitted
from tests.support.workers import InProcessWorkers

BUSY = Failed(ErrorCode.PROVIDER_UNAVAILABLE, "Busy.", RetryPolicy.WAIT, retry_after_s=60.0)


@pytest.fixture
def workers(engine: Engine, database_url: str, world: World) -> InProcessWorkers:
    with engine.begin() as conn:
        make_job(conn, world)
    # After a failure, each outcome is reported to the limiter.
    SharedLimiter(engine).observe(OutcomeLost("HTTP 502 after sending"))
    return InProcessWorkers(database_url, engine, is_limited=True)


def lock_limiter(conn: Connection) -> None:
    conn.execute(text("LOCK TABLE provider_breaker, provider_budgets IN ACCESS EXCLUSIVE MODE"))


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Accepted("p-1", 600.0), "generating"), (Refused(BUSY), "queued"), (OutcomeLost("HTTP 502"), "reconciling")],
)
def test_a_locked_limiter_does_not_delay_the_recording_of_a_response(
    workers: InProcessWorkers, outcome: Submitted, state: str
) -> None:
    """The limiter is locked at the moment of the provider's response, and stays so until the response is recorded."""
    with workers.engine.connect() as conn:
        workers.provider.responses = [_locking_response(conn, outcome)]
        with workers.worker():
            workers.wait_for_count(f"state = '{state}' AND attempt = 1", 1, within_s=10)
            conn.rollback()


def test_a_slow_estimate_does_not_delay_the_recording_of_a_response(
    workers: InProcessWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the provider's response on, no estimate can be read until the response is recorded."""
    monkeypatch.setattr(durations, "REFRESH_EVERY_S", 0.0)
    recorded = threading.Event()

    def read() -> durations.Recents:
        if workers.provider.booked:
            recorded.wait(scaled(60))
        return {}

    workers.durations = durations.Durations(read)
    with workers.worker():
        workers.wait_for_count("state = 'generating'", 1, within_s=10)
        recorded.set()


def _locking_response(conn: Connection, outcome: Submitted) -> Callable[[Submission], Submitted]:
    def respond(submission: Submission) -> Submitted:
        lock_limiter(conn)
        return outcome

    return respond
