"""A redrive begins the jobs of its filter again at its rate, whatever dies meanwhile, until it is stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from db.engine.recording import record
from db.ids import new_id
from db.paging import Window
from db.records.jobs import JobFilter
from db.records.jobs import job_page as jobs_of
from db.records.redrives import Redrive, redrive_by_id, skipped_page
from db.scope import EVERYTHING, Scope
from jobs.errors import AlreadyFinished, Forbidden, IdempotencyKeyReused, Invalid, NotFound
from jobs.support.redrives import RedriveRequest, continue_redrives, count_redrivable, request_redrive, stop_redrive
from jobs.upkeep.row_purge import OldRows
from statemachine import outcomes as o
from statemachine.steps import Kept, resuming_state
from statemachine.vocabulary import Kind, RedriveState, State
from tests.support.factories import BROKEN, World, claimed, make_job, make_world, move_of
from tests.support.principals import partner_of, support_of

ALL = JobFilter()


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


def requested(wanted: JobFilter = ALL, scope: Scope = EVERYTHING, **options: Any) -> RedriveRequest:
    given = {"per_minute": 60, "at_most": None, "reason": "the provider is back", **options}
    return RedriveRequest(str(new_id()), wanted, scope, **given)


def begin(engine: Engine, world: World, *args: Any, **options: Any) -> UUID:
    with engine.begin() as conn:
        return request_redrive(conn, support_of(world), requested(*args, **options))[0].id


def now_of(engine: Engine, redrive_id: UUID) -> Redrive:
    with engine.connect() as conn:
        found = redrive_by_id(conn, redrive_id)
    assert found is not None
    return found


def states(engine: Engine) -> list[str]:
    with engine.connect() as conn:
        return list(conn.scalars(text("SELECT state FROM jobs ORDER BY id")))


def state_of(engine: Engine, job_id: UUID) -> str:
    with engine.connect() as conn:
        return str(conn.scalar(text("SELECT state FROM jobs WHERE id = :id"), {"id": job_id}))


def failed(engine: Engine, world: World, count: int = 1, **options: Any) -> list[UUID]:
    with engine.begin() as conn:
        return [make_job(conn, world, State.FAILED, **options) for _ in range(count)]


def fast_forward(engine: Engine, redrive_id: UUID, seconds: float) -> None:
    """Let so much time pass for the rate of the redrive."""
    with engine.begin() as conn:
        conn.execute(
            text("UPDATE redrives SET next_at = next_at - make_interval(secs => :seconds) WHERE id = :id"),
            {"id": redrive_id, "seconds": seconds},
        )


def test_jobs_begin_at_the_rate_and_the_oldest_first(engine: Engine, world: World) -> None:
    """One in five seconds: a pace that a slow machine does not change."""
    jobs = failed(engine, world, 5)
    redrive_id = begin(engine, world, per_minute=12)
    assert now_of(engine, redrive_id).matched == 5
    assert continue_redrives(engine) == 1
    assert continue_redrives(engine) == 0
    fast_forward(engine, redrive_id, 5.0)
    assert continue_redrives(engine) == 1
    # A long stop of all workers is not made up for at once: of the five seconds that count, one more has become due.
    fast_forward(engine, redrive_id, 3600.0)
    assert continue_redrives(engine) == 2
    assert states(engine) == ["queued"] * 4 + ["failed"]
    seen = now_of(engine, redrive_id)
    assert (seen.state, seen.begun, seen.revived, seen.skipped) == (RedriveState.RUNNING, 4, 4, 0)
    fast_forward(engine, redrive_id, 3600.0)
    assert continue_redrives(engine) == 1
    assert now_of(engine, redrive_id).state is RedriveState.FINISHED
    with engine.connect() as conn:
        written = text("SELECT DISTINCT actor, reason FROM job_events WHERE event = 'redriven' AND job_id = ANY (:ids)")
        assert conn.execute(written, {"ids": jobs}).all() == [("support:mo", "the provider is back")]
        assert conn.scalar(text("SELECT wanted FROM redrives")) is None


def test_jobs_with_an_output_begin_at_once_because_it_may_expire(engine: Engine, world: World) -> None:
    plain = failed(engine, world, 3)
    with engine.begin() as conn:
        stored = [make_job(conn, world, State.TRANSCODING) for _ in range(3)]
        for job_id in stored:
            record(conn, [move_of(claimed(conn, job_id), o.StepFailed(BROKEN))])
            record(conn, [move_of(claimed(conn, job_id), o.Undone())])
    redrive_id = begin(engine, world, per_minute=1)
    assert continue_redrives(engine) == 4
    assert states(engine) == ["queued", "failed", "failed", *[resuming_state(Kept.SOURCE)] * 3]
    # The urgent ones did not count: the next submission is due a minute after the first.
    fast_forward(engine, redrive_id, 60.5)
    assert continue_redrives(engine) == 1
    assert len(plain) == 3


def test_a_job_that_cannot_begin_is_listed_with_the_reason(engine: Engine, world: World) -> None:
    first, poor, last = failed(engine, world, 3)
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET credits = 1000000 WHERE id = :id"), {"id": poor})
    redrive_id = begin(engine, world, per_minute=6000)
    fast_forward(engine, redrive_id, 5)
    continue_redrives(engine)
    seen = now_of(engine, redrive_id)
    assert (seen.state, seen.begun, seen.skipped) == (RedriveState.FINISHED, 2, 1)
    with engine.connect() as conn:
        [skipped] = skipped_page(conn, redrive_id, Window(9)).items
    assert (skipped.job_id, skipped.code) == (poor, "INSUFFICIENT_CREDITS")
    assert states(engine) == ["queued", "failed", "queued"]
    assert (first, last) == (min(first, last), max(first, last))


@pytest.mark.parametrize("urgent", [False, True])
def test_no_more_jobs_begin_than_were_wanted(engine: Engine, world: World, urgent: bool) -> None:
    jobs = failed(engine, world, 5)
    if urgent:
        keep_sources(engine, jobs)
    redrive_id = begin(engine, world, per_minute=6000, at_most=2)
    fast_forward(engine, redrive_id, 5)
    assert continue_redrives(engine) == 2
    assert states(engine).count("failed") == 3
    assert now_of(engine, redrive_id).state is RedriveState.FINISHED


def keep_sources(engine: Engine, jobs: list[UUID]) -> None:
    kept = text(
        "INSERT INTO attempts (job_id, attempt, token, model, prompt_version, reserved_micros, status, source_key) "
        "SELECT id, attempt, gen_random_uuid(), 'a/model', '1', 0, 'succeeded', id || '/source' FROM jobs "
        "WHERE id = ANY (:ids) "
        "ON CONFLICT (job_id, attempt) DO UPDATE SET source_key = excluded.source_key, model = excluded.model"
    )
    with engine.begin() as conn:
        conn.execute(kept, {"ids": jobs})


def test_a_stopped_redrive_begins_no_further_job(engine: Engine, world: World) -> None:
    failed(engine, world, 3)
    redrive_id = begin(engine, world)
    continue_redrives(engine)
    with engine.begin() as conn:
        stopped = stop_redrive(conn, support_of(world), redrive_id)
    assert (stopped.state, stopped.begun, stopped.ended_at is None) == (RedriveState.STOPPED, 1, False)
    fast_forward(engine, redrive_id, 3600.0)
    assert continue_redrives(engine) == 0
    with pytest.raises(AlreadyFinished), engine.begin() as conn:
        stop_redrive(conn, support_of(world), redrive_id)
    with pytest.raises(NotFound), engine.begin() as conn:
        stop_redrive(conn, support_of(world), new_id())


def test_a_step_that_dies_has_begun_nothing(engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    failed(engine, world, 2)
    redrive_id = begin(engine, world, per_minute=6000)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("jobs.support.redrives.note_progress", killed)
        with pytest.raises(KeyboardInterrupt):
            continue_redrives(engine)
    assert states(engine) == ["failed", "failed"]
    fast_forward(engine, redrive_id, 5)
    assert continue_redrives(engine) == 2
    assert now_of(engine, redrive_id).begun == 2


def test_a_redrive_that_fails_does_not_delay_the_others(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(engine, world, 1, theme="noir")
    [other] = failed(engine, world, 1, theme="manga")
    slow = begin(engine, world, JobFilter(themes=["noir"]))
    begin(engine, world, JobFilter(themes=["manga"]))

    def job_page(conn: Connection, scope: Scope, wanted: JobFilter, *args: Any) -> Any:
        if wanted.themes == ["noir"]:
            conn.execute(text("SET LOCAL statement_timeout = 1"))
            conn.execute(text("SELECT pg_sleep(10)"))
        return jobs_of(conn, scope, wanted, *args)

    with monkeypatch.context() as patched:
        patched.setattr("jobs.support.redrives.job_page", job_page)
        assert continue_redrives(engine) == 1
    assert state_of(engine, other) == "queued"
    assert continue_redrives(engine) == 0
    assert now_of(engine, slow).state is RedriveState.RUNNING
    fast_forward(engine, slow, 30.0)
    assert continue_redrives(engine) == 1


def test_a_job_that_fails_again_meanwhile_is_not_begun_twice(engine: Engine, world: World) -> None:
    first, _ = failed(engine, world, 2)
    redrive_id = begin(engine, world)
    continue_redrives(engine)
    with engine.begin() as conn:
        job = claimed(conn, first)
        record(conn, [move_of(job, o.Rejected(BROKEN))])
        record(conn, [move_of(claimed(conn, first), o.Undone())])
    fast_forward(engine, redrive_id, 3600.0)
    assert continue_redrives(engine) == 1
    assert states(engine) == ["failed", "queued"]


def test_a_redrive_is_confined_by_account_model_and_cost(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        other = make_world(conn)
    mine, cheap, strange = failed(engine, world, 3)
    [foreign] = failed(engine, other)
    keep_sources(engine, [mine, cheap, strange, foreign])
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET cost_micros = 9 WHERE id = ANY (:ids)"), {"ids": [mine, strange, foreign]})
        conn.execute(text("UPDATE attempts SET model = 'b/model' WHERE job_id = :id"), {"id": strange})
    wanted = JobFilter(models=["a/model"], cost_micros_min=5, cost_micros_max=9)
    scope = Scope(world.owner.account_id)
    with engine.connect() as conn:
        assert count_redrivable(conn, support_of(world), wanted, scope) == 1
        assert count_redrivable(conn, support_of(world), ALL, EVERYTHING) == 4
    redrive_id = begin(engine, world, wanted, scope)
    assert continue_redrives(engine) == 1
    assert state_of(engine, mine) != "failed"
    assert now_of(engine, redrive_id).account_id == world.owner.account_id


def test_every_kind_of_filter_survives_until_the_redrive_is_over(engine: Engine, world: World) -> None:
    [job_id] = failed(engine, world, theme="noir", metadata={"chapter": 3})
    with engine.connect() as conn:
        now = conn.execute(text("SELECT now()")).scalar_one()
    hour = timedelta(hours=1)
    wanted = JobFilter(
        ids=[job_id],
        kinds=[Kind.AVATAR],
        themes=["noir"],
        metadata={"chapter": 3},
        created_after=now - hour,
        created_before=now + hour,
        finished_after=now - hour,
        finished_before=now + hour,
    )
    begin(engine, world, wanted)
    assert continue_redrives(engine) == 1


def test_a_redrive_is_begun_once_for_a_key_and_by_support_alone(engine: Engine, world: World) -> None:
    request, support = requested(), support_of(world)
    with engine.begin() as conn:
        made, replayed = request_redrive(conn, support, request)
        again, replayed_again = request_redrive(conn, support, request)
    assert (again.id, replayed, replayed_again) == (made.id, False, True)
    changed = RedriveRequest(request.idempotency_key, ALL, EVERYTHING, 7, None, None)
    with pytest.raises(IdempotencyKeyReused), engine.begin() as conn:
        request_redrive(conn, support, changed)
    for wrong in (requested(per_minute=0), requested(per_minute=6001), requested(at_most=0)):
        with pytest.raises(Invalid), engine.begin() as conn:
            request_redrive(conn, support, wrong)
    with pytest.raises(Invalid), engine.begin() as conn:
        request_redrive(conn, support, requested(JobFilter(states=[State.SUCCEEDED])))
    partner = partner_of(world)
    with engine.begin() as conn:
        with pytest.raises(Forbidden):
            request_redrive(conn, partner, requested())
        with pytest.raises(Forbidden):
            stop_redrive(conn, partner, made.id)
        with pytest.raises(Forbidden):
            count_redrivable(conn, partner, ALL, EVERYTHING)


def test_an_old_redrive_is_purged_once_it_has_ended(engine: Engine, world: World, store: Any) -> None:
    failed(engine, world, 1)
    redrive_id = begin(engine, world)
    with engine.begin() as conn:
        conn.execute(text("UPDATE redrives SET created_at = now() - interval '400 days'"))
    rows = OldRows(engine, store, timedelta(days=365))
    rows.purge()
    assert now_of(engine, redrive_id).state is RedriveState.RUNNING
    continue_redrives(engine)
    rows.purge()
    with engine.connect() as conn:
        assert redrive_by_id(conn, redrive_id) is None
