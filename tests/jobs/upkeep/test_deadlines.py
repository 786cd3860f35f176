"""A claim after the deadline ends the job, by the database's clock, which a test sets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from db.engine.claims import ClaimedJob
from db.engine.pausing import pause_step
from jobs.catalogue.catalogue import Catalogue
from jobs.engine.hints import Hinter
from jobs.engine.recorder import Recorder
from jobs.identity import Principal
from jobs.requesting.creation import create_avatar
from jobs.requesting.requests import AvatarRequest, RequestOptions
from jobs.steps.by_state import Steps
from jobs.support.redriving import retry_job
from jobs.upkeep.deadlines import end_overdue
from jobs.worker.advance import AdvanceParts, advance
from statemachine.backoff import JobPolicy
from statemachine.deadlines import Deadlines
from statemachine.vocabulary import State, Step
from tests.support.clock import move_clock
from tests.support.factories import World, claimed, make_job
from tests.support.invariants import assert_sound

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SHORT = Deadlines(
    job=3 * HOUR,
    of_states={State.GENERATING: 20 * MINUTE, State.STORING: 10 * MINUTE, State.TRANSCODING: 30 * MINUTE},
)


def after(engine: Engine, hinter: Hinter, world: World, state: State, passed: timedelta) -> Any:
    """Let time pass for a job in a state, claim and advance it, and return its row."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, state)
    move_clock(engine, passed)
    recorder = Recorder(engine, hinter)
    discarded: list[ClaimedJob] = []
    steps: Steps = {state: lambda _: None}
    parts = AdvanceParts(engine, recorder, steps, discarded.append, policy=JobPolicy(deadlines=SHORT))
    with engine.begin() as conn:
        claim = claimed(conn, job_id).claim
    advance(claim, parts)
    recorder.close()
    assert discarded == []
    assert_sound(engine)
    with engine.connect() as conn:
        return conn.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job_id}).one()


@pytest.mark.parametrize(
    ("state", "limit"), [(State.GENERATING, 20), (State.STORING, 10), (State.TRANSCODING, 30)], ids=str
)
def test_a_step_ends_by_the_databases_clock(
    engine: Engine, hinter: Hinter, world: World, state: State, limit: int
) -> None:
    late = after(engine, hinter, world, state, (limit + 1) * MINUTE)
    assert (late.state, late.event, late.error_code) == ("compensating", "deadline_passed", "deadline_exceeded")
    assert late.reason == f"the deadline of the step, {state}, has passed"


@pytest.mark.parametrize(
    ("state", "limit"), [(State.QUEUED, 175), (State.GENERATING, 19), (State.STORING, 9), (State.TRANSCODING, 29)]
)
def test_a_step_goes_on_until_its_deadline(
    engine: Engine, hinter: Hinter, world: World, state: State, limit: int
) -> None:
    assert after(engine, hinter, world, state, limit * MINUTE).state == state


def test_the_deadline_of_a_job_is_the_catalogues_and_starts_again_with_a_retry(engine: Engine, world: World) -> None:
    caller, catalogue = Principal(world.owner.account_id, "partner", "test"), Catalogue(job_deadline=3 * HOUR)
    with engine.begin() as conn:
        request = AvatarRequest(RequestOptions("key"), world.selfie_id)
        made = create_avatar(conn, caller, request, catalogue=catalogue).resource_id
        failed = make_job(conn, world, State.FAILED)
    move_clock(engine, HOUR)
    with engine.begin() as conn:
        retry_job(conn, caller, failed, catalogue)
        ends = "SELECT deadline_at - diorama_now() FROM jobs WHERE id = :id"
        assert 2 * HOUR - MINUTE < conn.scalar(text(ends), {"id": made}) < 2 * HOUR
        assert conn.scalar(text(ends), {"id": failed}) == 3 * HOUR


def overdue(engine: Engine, hinter: Hinter) -> int:
    """Run the periodic task that ends overdue jobs, once."""
    recorder = Recorder(engine, hinter)
    ended = end_overdue(engine, recorder, JobPolicy(deadlines=SHORT))
    recorder.close()
    assert_sound(engine)
    return ended


def test_queued_jobs_end_in_time_although_their_step_is_paused(engine: Engine, hinter: Hinter, world: World) -> None:
    """They are not claimed for their step, so a periodic task ends them; jobs in time keep their place."""
    with engine.begin() as conn:
        pause_step(conn, Step.SUBMIT, by="support:mo", reason="the models are ill")
        late = [make_job(conn, world) for _ in range(3)]
        conn.execute(text("UPDATE jobs SET due_at = deadline_at + interval '1 hour' WHERE id = :id"), {"id": late[0]})
    move_clock(engine, 7 * HOUR)
    with engine.begin() as conn:
        in_time = make_job(conn, world)
    assert overdue(engine, hinter) == 3
    assert overdue(engine, hinter) == 0
    with engine.connect() as conn:
        rows = {row.id: row for row in conn.execute(text("SELECT * FROM jobs"))}
    assert {(rows[job_id].state, rows[job_id].error_code) for job_id in late} == {("compensating", "deadline_exceeded")}
    assert (rows[in_time].state, rows[in_time].claimed_by, rows[in_time].claims) == ("queued", None, 0)


def test_the_clock_ends_jobs_of_every_paused_step_and_no_others(engine: Engine, hinter: Hinter, world: World) -> None:
    """It does not touch compensating jobs, nor jobs that a worker will claim for their step."""
    limits = {State.GENERATING: 20, State.STORING: 10, State.TRANSCODING: 30}
    with engine.begin() as conn:
        for step in Step:
            if step is not Step.POLL:
                pause_step(conn, step, by="support:mo", reason=None)
        late = {state: make_job(conn, world, state) for state in (*limits, State.COMPENSATING)}
    move_clock(engine, 31 * MINUTE)
    with engine.begin() as conn:
        in_time = [make_job(conn, world, state) for state in limits]
        claimed_id = make_job(conn, world, State.STORING)
        conn.execute(
            text("UPDATE jobs SET entered_at = entered_at - interval '1 hour' WHERE id = :id"), {"id": claimed_id}
        )
        claimed(conn, claimed_id)
    assert overdue(engine, hinter) == 2
    with engine.begin() as conn:
        pause_step(conn, Step.POLL, by="support:mo", reason=None)
    assert overdue(engine, hinter) == 1
    with engine.connect() as conn:
        rows = {row.id: row for row in conn.execute(text("SELECT * FROM jobs"))}
    assert {rows[job_id].state for job_id in late.values()} == {"compensating"}
    assert {rows[late[state]].event for state in limits} == {"deadline_passed"}
    assert [rows[job_id].state for job_id in in_time] == list(limits)
    assert rows[claimed_id].state == "storing"
