"""Rescuing: the jobs of a dead worker are claimed once by other workers, and no slot at the provider leaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from db.connection import DatabaseSettings, connect_worker
from db.engine.claims import ClaimedJob, claim_due
from db.engine.commands import cancel
from db.engine.recording import record
from db.records.accounts import limit_account
from db.statements import source_of
from statemachine.outcomes import GenerationFailed, StillRunning
from statemachine.vocabulary import State, Step
from tests.support.factories import REFUSED, World, claimed, make_job, make_world, move_of
from tests.support.invariants import assert_sound

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


def made(engine: Engine, world: World, state: State) -> UUID:
    with engine.begin() as conn:
        return make_job(conn, world, state)


def due(conn: Connection, step: Step, worker: str = "w", limit: int = 10) -> list[ClaimedJob]:
    return claim_due(conn, step, worker=worker, limit=limit, lease_for=MINUTE)


def clock(conn: Connection, offset: str) -> None:
    """Set the database's clock for a connection."""
    conn.execute(text("SELECT set_config('diorama.clock_offset', :offset, false)"), {"offset": offset})


def test_the_job_of_a_dead_worker_is_rescued_by_one_of_the_same_name(engine: Engine, world: World) -> None:
    """Names are only for people: a new process with the name of a dead one claims its job like any other worker."""
    job_id = made(engine, world, State.GENERATING)
    with engine.begin() as conn:
        (dead,) = due(conn, Step.POLL, "pod-0")
        assert due(conn, Step.POLL, "pod-0") == []
        clock(conn, "61 seconds")
        (rescued,) = due(conn, Step.POLL, "pod-0")
        clock(conn, "0")
    assert (rescued.id, rescued.lease) == (job_id, dead.lease + 1)


def test_a_rescuer_never_claims_a_job_that_its_owner_is_recording(engine: Engine, world: World) -> None:
    """The owner is late and its lease has expired: no other worker can claim the job before its commit."""
    made(engine, world, State.GENERATING)
    with engine.begin() as conn:
        (late,) = due(conn, Step.POLL)
    with engine.connect() as owner, engine.begin() as rescuer:
        clock(rescuer, "61 seconds")
        assert record(owner, [move_of(late, StillRunning(50, 3600.0))]).moved
        assert due(rescuer, Step.POLL) == []
        owner.commit()
        assert due(rescuer, Step.POLL) == [], "it is due in an hour, as its owner recorded"
        clock(rescuer, "0")
    assert_sound(engine)


def test_the_rescuer_of_a_job_wins_over_its_late_owner(engine: Engine, world: World) -> None:
    made(engine, world, State.GENERATING)
    with engine.begin() as conn:
        (late,) = due(conn, Step.POLL)
        clock(conn, "61 seconds")
        (rescued,) = due(conn, Step.POLL)
        clock(conn, "0")
    with engine.begin() as conn:
        assert not record(conn, [move_of(late, StillRunning(50, 1.0))]).moved
        assert record(conn, [move_of(rescued, StillRunning(60, 1.0))]).moved
    assert_sound(engine)


@pytest.mark.parametrize("end", ["canceled", "failed", "its worker died"])
def test_a_slot_at_the_provider_is_never_leaked(engine: Engine, world: World, end: str) -> None:
    """The slots that an account uses are counted from its jobs, so none has to be returned."""
    with engine.begin() as conn:
        name = conn.scalar(text("SELECT name FROM accounts WHERE id = :id"), {"id": world.owner.account_id})
        limit_account(conn, str(name), 1)
        in_flight, queued = make_job(conn, world, State.GENERATING), make_job(conn, world)
        assert due(conn, Step.SUBMIT) == []
        if end == "canceled":
            assert cancel(conn, in_flight, "api")
        else:
            job = claimed(conn, in_flight)
            if end == "its worker died":
                clock(conn, "61 seconds")
                (job,) = due(conn, Step.POLL)
                clock(conn, "0")
            assert record(conn, [move_of(job, GenerationFailed(REFUSED))]).moved
        assert [job.id for job in due(conn, Step.SUBMIT)] == [queued]


@pytest.mark.parametrize(("state", "step"), [(State.QUEUED, Step.SUBMIT), (State.STORING, Step.STORE)])
def test_a_claim_takes_no_more_rows_than_its_limit(engine: Engine, world: World, state: State, step: Step) -> None:
    with engine.begin() as conn:
        for _ in range(7):
            make_job(conn, world, state)
        conn.execute(text("ANALYZE jobs"))
        assert [len(due(conn, step, limit=3)) for _ in range(4)] == [3, 3, 1, 0]


def test_a_clock_that_steps_back_makes_nothing_happen_twice(engine: Engine, world: World) -> None:
    """It delays due jobs, but never lets a second worker claim a leased one."""
    made(engine, world, State.GENERATING)
    with engine.begin() as conn:
        (job,) = due(conn, Step.POLL)
        clock(conn, "-1 hour")
        assert due(conn, Step.POLL) == []
        assert record(conn, [move_of(job, StillRunning(50, 1.0))]).moved
        assert not record(conn, [move_of(job, StillRunning(50, 1.0))]).moved
        clock(conn, "2 seconds")
        assert len(due(conn, Step.POLL)) == 1
        clock(conn, "0")
    assert_sound(engine)


_CLAIMING = (
    "claim",
    "account_shares",
    "claim_queued",
    "accounts_in_turn",
    "claim_in_turn",
    "claim_overdue",
    "next_due",
    "step_statuses",
)


@pytest.fixture
def workers(database_url: str) -> Iterator[Engine]:
    """The connections of a worker, whose settings decide which plans the planner prefers."""
    made = connect_worker(DatabaseSettings(database_url, pool_size=1), name="w")
    yield made
    made.dispose()


def test_no_claim_reads_the_whole_table(engine: Engine, world: World, workers: Engine) -> None:
    """Millions of jobs may have ended; due ones are found by their index, whatever the planner estimates."""
    made(engine, world, State.QUEUED)
    with workers.connect() as conn:
        for name in _CLAIMING:
            plan = "\n".join(conn.scalars(text(_explained(name))))
            assert "Seq Scan on jobs" not in plan, plan


def test_a_claim_reads_only_the_rows_of_its_jobs(engine: Engine, world: World, workers: Engine) -> None:
    with engine.begin() as conn:
        for _ in range(100):
            make_job(conn, world, State.GENERATING)
        conn.execute(text("ANALYZE assets, attempts, renditions, jobs, job_requests"))
    with workers.connect() as conn:
        plan = "\n".join(conn.scalars(text(_explained("claim", reads="claimed_job"))))
    for table in ("attempts", "renditions"):
        assert f"on {table}" in plan
        assert f"Seq Scan on {table}" not in plan, plan
    assert "Join Filter" not in plan, plan


def _explained(name: str, reads: str | None = None) -> str:
    """Return an EXPLAIN of a statement with typical values in the places of its parameters.

    Of a claim, it has the parts that find rows and lease them, and the part that reads the jobs if `reads` names it.
    """
    names = (name, "lease_due") if name.startswith("claim") else (name,)
    found = "\n".join(source_of(each) for each in (*names, *([reads] if reads else [])))
    found += "SELECT id FROM claimed" if name.startswith("claim") and not reads else ""
    values = {
        ":step": "'poll'",
        ":states": "'{generating}'",
        ":limits": "'{1 hour}'",
        ":limit": "10",
        ":worker": "'w'",
        ":lease_for": "'1 minute'",
        ":behind_after": "'10 minutes'",
        ":is_long": "false",
        ":after": "'00000000-0000-0000-0000-000000000000'",
        ":account_ids": "ARRAY[]::uuid[]",
        ":quotas": "ARRAY[]::integer[]",
        ":quota": "10",
    }
    for parameter, value in values.items():
        found = found.replace(parameter, value)
    return f"EXPLAIN {found}"


def test_nothing_that_moves_jobs_notifies_within_its_transaction(engine: Engine) -> None:
    """A commit with a notification locks the whole server, so hints are sent after it, from another connection."""
    folder = Path(str(files("db")))
    that_notify = [
        each.name for each in folder.glob("*/sql/*.sql") if "notify" in each.read_text(encoding="utf-8").lower()
    ]
    assert sorted(that_notify) == ["hint.sql", "sequence_activity.sql"], "the sequencer moves no job"
    with engine.connect() as conn:
        functions = (
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosrc ILIKE '%notify%'"
        )
        assert conn.scalars(text(functions)).all() == []
