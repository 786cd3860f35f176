"""A long step's progress becomes its job's percent, under its lease and without ending it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect
from db.engine.claims import ClaimedJob
from db.engine.commands import cancel
from jobs.engine.hints import Hinter
from jobs.engine.leases import LeaseLost
from jobs.engine.recorder import Recorder
from jobs.steps.progress import Progress
from statemachine.outcomes import Failure, RetryPolicy, StepFailed
from statemachine.vocabulary import ErrorCode, State
from tests.support.factories import World, claimed, make_job, move_of
from tests.support.invariants import assert_sound


@pytest.fixture
def recorder(engine: Engine, hinter: Hinter) -> Iterator[Recorder]:
    made = Recorder(engine, hinter)
    yield made
    made.close()


@pytest.fixture
def job(engine: Engine, world: World) -> ClaimedJob:
    with engine.begin() as conn:
        return claimed(conn, make_job(conn, world, State.TRANSCODING))


def percents(engine: Engine) -> list[int]:
    """Return the percents of the job's history since it began to be transcoded."""
    with engine.connect() as conn:
        query = "SELECT percent FROM job_events WHERE to_state = 'transcoding' ORDER BY seq"
        return list(conn.scalars(text(query)))


def test_each_new_percent_is_recorded_once_up_to_the_end(engine: Engine, job: ClaimedJob, recorder: Recorder) -> None:
    progress = Progress(job, recorder, every_s=0)
    for share in (0, 0.05, 0.34, 0.38, 0.71, 1, 1):
        progress.report(share)
    assert percents(engine) == [90, 93, 97, 99]


def test_there_is_at_most_one_record_in_a_while(engine: Engine, job: ClaimedJob, recorder: Recorder) -> None:
    progress = Progress(job, recorder, every_s=3600)
    for share in (0.2, 0.5, 0.9):
        progress.report(share)
    assert percents(engine) == [90]


def test_the_step_goes_on_under_its_lease_and_ends_as_ever(engine: Engine, job: ClaimedJob, recorder: Recorder) -> None:
    lease = text("SELECT lease, lease_expires_at, claims, failures, claimed_by, entered_at FROM jobs")
    with engine.connect() as conn:
        before = conn.execute(lease).one()
    Progress(job, recorder, every_s=0).report(0.5)
    with engine.connect() as conn:
        assert conn.execute(lease).one() == before
    postponed = StepFailed(Failure(ErrorCode.INTERNAL, "x", RetryPolicy.RETRY))
    assert recorder.record_now(move_of(job, postponed)) is not None
    assert_sound(engine)


def test_a_cancel_ends_the_step_at_its_next_report(engine: Engine, job: ClaimedJob, recorder: Recorder) -> None:
    with engine.begin() as conn:
        assert cancel(conn, job.id, "api")
    with pytest.raises(LeaseLost):
        Progress(job, recorder, every_s=0).report(0.5)
    assert percents(engine) == [90]


def test_a_database_that_is_away_does_not_stop_the_step(job: ClaimedJob, hinter: Hinter) -> None:
    nowhere = connect(DatabaseSettings("postgresql://none@127.0.0.1:1/nowhere"), name="nowhere")
    recorder = Recorder(nowhere, hinter, give_up_after_s=0.0, retry_every_s=0.01)
    Progress(job, recorder, every_s=0).report(0.5)
    recorder.close()
