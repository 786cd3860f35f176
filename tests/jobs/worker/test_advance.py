"""Decisions use the time at which they are made, not the time of the claim."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.elapsed import Instant, this_instant
from db.engine.claims import ClaimedJob
from jobs.steps.result import Work
from statemachine.outcomes import Failure, RetryPolicy, StepFailed
from statemachine.vocabulary import ErrorCode, State
from tests.support.eventually import eventually
from tests.support.factories import World, make_job
from tests.support.workers import InProcessWorkers, instead

COUNT = "SELECT count(*) FROM job_events WHERE job_id = :id AND event = 'postponed'"
AWAY = Failure(ErrorCode.INTERNAL, "Something went wrong.", RetryPolicy.WAIT, retry_after_s=3600.0)


@pytest.fixture
def job_id(engine: Engine, world: World) -> UUID:
    with engine.begin() as conn:
        return make_job(conn, world, State.STORING)


def test_a_failure_long_after_the_claim_waits_no_longer_than_the_deadline(
    engine: Engine, database_url: str, job_id: UUID
) -> None:
    """The step has taken six hours, so its job is due again at once, and not an hour from now."""

    def act(job: ClaimedJob, *_: object) -> Work:
        long_ago = Instant(*(clock_s - 6 * 3600 for clock_s in this_instant()))
        return Work(job.changed(read_at=long_ago), StepFailed(AWAY))

    workers = InProcessWorkers(database_url, engine)
    with workers.worker(steps=instead(State.STORING, act)):
        eventually(lambda: postponed(engine, job_id) > 1, within_s=10)


def postponed(engine: Engine, job_id: UUID) -> int:
    with engine.connect() as conn:
        return int(conn.scalar(text(COUNT), {"id": job_id}) or 0)
