"""Postgres enforces the rules of a job for every client, raw SQL included."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from statemachine.steps import STEP_OF
from statemachine.transitions import RETIRED, TRANSITIONS
from statemachine.vocabulary import TERMINAL, Event, Kind, State
from tests.support.factories import World, make_job, make_world

# The database keeps the retired moves, because histories have them.
LEGAL = {(rule.from_state, rule.event, rule.to_state) for rule in (*TRANSITIONS, *RETIRED)}
# Everything a row needs to look right in its new state, so that only the rule itself can refuse it.
_RAW_MOVE = text(
    """
    UPDATE jobs
    SET state = :state, event = :event, actor = 'support:psql', seq = seq + 1,
        finished_at = CASE WHEN :ends THEN now() END,
        due_at = CASE WHEN :ends THEN NULL ELSE now() END,
        error_code = 'internal', lease_expires_at = NULL, claimed_by = NULL,
        output_id = (SELECT id FROM assets LIMIT 1)
    WHERE id = :id
    """
)


def raw_move(conn: Connection, job_id: UUID, event: Event, state: State) -> None:
    conn.execute(_RAW_MOVE, {"id": job_id, "event": event, "state": state, "ends": state.is_terminal})


def constraint_of(error: pytest.ExceptionInfo[IntegrityError]) -> str | None:
    assert isinstance(error.value.orig, psycopg.Error)
    return error.value.orig.diag.constraint_name


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


@pytest.mark.parametrize("source", list(State))
def test_raw_sql_can_make_exactly_the_declared_moves(engine: Engine, world: World, source: State) -> None:
    with engine.connect() as conn:
        job_id = make_job(conn, world, source)
        for event, target in product(Event, State):
            attempt = conn.begin_nested()
            if (source, event, target) in LEGAL:
                raw_move(conn, job_id, event, target)
            else:
                with pytest.raises(IntegrityError) as refused:
                    raw_move(conn, job_id, event, target)
                assert constraint_of(refused) == "job_events_legal"
            attempt.rollback()


def test_a_change_of_state_without_its_event_is_refused(engine: Engine, world: World) -> None:
    with engine.connect() as conn:
        job_id = make_job(conn, world)
        with pytest.raises(IntegrityError) as refused:
            conn.execute(text("UPDATE jobs SET state = 'generating' WHERE id = :id"), {"id": job_id})
        assert constraint_of(refused) == "job_history_gapless"


def test_a_new_job_is_waiting_or_queued(engine: Engine, world: World) -> None:
    for state in set(State) - TERMINAL:
        with engine.connect() as conn:
            row = text(
                "INSERT INTO jobs (id, account_id, kind, state, event, actor, due_at, deadline_at) "
                "VALUES (gen_random_uuid(), :account, 'avatar', :state, 'requested', 'support:psql', now(), now())"
            )
            given = {"account": world.owner.account_id, "state": state}
            if state in (State.WAITING, State.QUEUED):
                conn.execute(row, given)
                continue
            with pytest.raises(IntegrityError) as refused:
                conn.execute(row, given)
            assert constraint_of(refused) == "job_events_legal"


def test_history_cannot_be_rewritten(engine: Engine, world: World) -> None:
    with engine.connect() as conn:
        make_job(conn, world, State.SUCCEEDED)
        with pytest.raises(IntegrityError) as refused:
            conn.execute(text("UPDATE job_events SET event = 'canceled'"))
        assert constraint_of(refused) == "job_events_append_only"


@pytest.mark.parametrize("state", list(State))
def test_the_history_of_every_state_is_gapless_and_replays_to_it(engine: Engine, world: World, state: State) -> None:
    with engine.connect() as conn:
        job_id = make_job(conn, world, state)
        events = conn.execute(text("SELECT * FROM job_events WHERE job_id = :id ORDER BY seq"), {"id": job_id}).all()
        job = conn.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job_id}).one()
    assert [event.seq for event in events] == list(range(1, job.seq + 1))
    assert [event.from_state for event in events] == ["new", *(event.to_state for event in events[:-1])]
    assert events[-1].to_state == job.state == state
    assert [event.percent for event in events] == sorted(event.percent for event in events)


BROKEN_ROWS = {
    "finished_at = now(), due_at = NULL": "jobs_finished_iff_terminal",
    "due_at = NULL": "jobs_due_until_finished",
    "claimed_by = 'me'": "jobs_lease_iff_claimed",
    "lease_expires_at = now()": "jobs_lease_iff_claimed",
    "percent = 101": "jobs_percent_bounded",
    "priority = 11": "jobs_priority_bounded",
    "error_code = 'mood'": "jobs_error_code_known",
    "actor = 'psql', event = 'postponed', seq = seq + 1": "job_events_actor_known",
}


@pytest.mark.parametrize(("change", "constraint"), BROKEN_ROWS.items())
def test_a_row_that_contradicts_itself_is_refused(engine: Engine, world: World, change: str, constraint: str) -> None:
    with engine.connect() as conn:
        job_id = make_job(conn, world)
        with pytest.raises(IntegrityError) as refused:
            conn.execute(text(f"UPDATE jobs SET {change} WHERE id = :id"), {"id": job_id})
        assert constraint_of(refused) == constraint


@pytest.mark.parametrize("state", list(State))
def test_a_job_has_the_step_and_the_end_of_its_state(engine: Engine, world: World, state: State) -> None:
    with engine.connect() as conn:
        job_id = make_job(conn, world, state)
        row = conn.execute(text("SELECT step, is_terminal FROM jobs WHERE id = :id"), {"id": job_id}).one()
    assert tuple(row) == (STEP_OF.get(state, "none"), state.is_terminal)


@pytest.mark.parametrize("change", ["step = 'poll'", "is_terminal = true, finished_at = now(), due_at = NULL"])
def test_a_step_that_does_not_belong_to_the_state_is_refused(engine: Engine, world: World, change: str) -> None:
    with engine.connect() as conn:
        job_id = make_job(conn, world)
        with pytest.raises(IntegrityError) as refused:
            conn.execute(text(f"UPDATE jobs SET {change}, error_code = 'internal' WHERE id = :id"), {"id": job_id})
    assert constraint_of(refused) == "jobs_state_known"


def test_a_new_state_is_an_insert(engine: Engine, world: World) -> None:
    """No column type and no CHECK of the hot table names the states, so a new one does not rewrite the table."""
    with engine.connect() as conn:
        job_id = make_job(conn, world, State.STORING)
        conn.execute(text("INSERT INTO job_states VALUES ('polishing', 'polish', false)"))
        conn.execute(text("INSERT INTO job_transitions VALUES ('storing', 'stored', 'polishing')"))
        conn.execute(
            text("UPDATE jobs SET state = 'polishing', event = 'stored', seq = seq + 1 WHERE id = :id"), {"id": job_id}
        )
        assert conn.scalar(text("SELECT step FROM jobs WHERE id = :id"), {"id": job_id}) == "polish"


def test_a_migrated_database_has_exactly_the_states_that_python_declares(engine: Engine) -> None:
    with engine.connect() as conn:
        rows = conn.execute(text("SELECT state, step, is_terminal FROM job_states"))
        assert {tuple(row) for row in rows} == {(s, STEP_OF.get(s, "none"), s.is_terminal) for s in State}


def test_a_migrated_database_has_exactly_the_rules_that_python_declares(engine: Engine) -> None:
    with engine.connect() as conn:
        rows = conn.execute(text("SELECT from_state, event, to_state FROM job_transitions"))
        assert {tuple(row) for row in rows} == {(start or "new", event, end) for start, event, end in LEGAL}


def test_progress_never_decreases(engine: Engine, world: World) -> None:
    with engine.connect() as conn:
        job_id = make_job(conn, world, State.TRANSCODING)
        before = conn.scalar(text("SELECT percent FROM jobs"))
        conn.execute(
            text("UPDATE jobs SET percent = 1, seq = seq + 1, event = 'postponed' WHERE id = :id"), {"id": job_id}
        )
        assert conn.scalar(text("SELECT percent FROM jobs")) == before


def test_a_waiting_job_is_due_when_its_deadline_passes(engine: Engine, world: World) -> None:
    with engine.connect() as conn:
        parent_id = make_job(conn, world)
        job_id = make_job(conn, world, State.WAITING, kind=Kind.SCENE, parent_id=parent_id, theme="neon-city")
        row = conn.execute(text("SELECT due_at, deadline_at, created_at FROM jobs WHERE id = :i"), {"i": job_id}).one()
        assert row.due_at == row.deadline_at == row.created_at + timedelta(hours=6)


def test_an_unknown_policy_is_refused(engine: Engine, world: World) -> None:
    """A word that the program cannot read would break every claim with that row in it."""
    with engine.connect() as conn:
        job_id = make_job(conn, world)
        with pytest.raises(IntegrityError) as refused:
            conn.execute(text("UPDATE job_requests SET on_failure = 'shrug' WHERE job_id = :id"), {"id": job_id})
    assert constraint_of(refused) == "job_requests_on_failure_known"


def test_an_unknown_kind_is_refused(engine: Engine, world: World) -> None:
    with engine.connect() as conn, pytest.raises(IntegrityError) as refused:
        conn.execute(
            text(
                "INSERT INTO jobs (id, account_id, kind, state, event, actor, due_at, deadline_at) "
                "VALUES (gen_random_uuid(), :account, 'poem', 'queued', 'requested', 'support:psql', now(), now())"
            ),
            {"account": world.owner.account_id},
        )
    assert constraint_of(refused) == "jobs_kind_known"
